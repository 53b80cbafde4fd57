/** The lessons that there are: the listed files beside the page, and those that a teacher has written. */
import { answerOf } from "../worker/once.js";
import { lessonProblems } from "./format.js";

const FOLDER = new URL("../lessons/", import.meta.url);
const DONE_KEY = "nibble-lessons-done";

async function read(name) {
  const response = await fetch(new URL(name, FOLDER));
  if (!response.ok) throw new Error(`lessons/${name}: the server answered ${response.status}.`);
  return response.json();
}

async function readLesson(id) {
  const lesson = await read(`${id}.json`);
  const problems = lessonProblems(lesson);
  if (problems.length === 0 && lesson.id !== id) problems.push(`The id is ${lesson.id}, the file's name ${id}.`);
  if (problems.length > 0) throw new Error(`lessons/${id}.json: ${problems.join(" ")}`);
  return lesson;
}

/**
 * Every listed lesson, in order; one that is not right does not keep the others back.
 * @returns {Promise<{lessons: import("./format.js").Lesson[], problems: string[]}>}
 */
export async function listed() {
  const ids = (await read("index.json")).lessons;
  const results = await Promise.allSettled(ids.map(readLesson));
  return {
    lessons: results.filter(({ status }) => status === "fulfilled").map(({ value }) => value),
    problems: results.filter(({ status }) => status === "rejected").map(({ reason }) => reason.message),
  };
}

/** @typedef {{lesson: import("./format.js").Lesson|null, problems: string[]}} Read everything that is wrong with it */

/** @param {string} text of a file @returns {Read} */
function fromText(text) {
  try {
    const lesson = JSON.parse(text);
    const problems = lessonProblems(lesson);
    return { lesson: problems.length > 0 ? null : lesson, problems };
  } catch (error) {
    return { lesson: null, problems: [`It is no JSON: ${error.message}`] };
  }
}

/** A lesson from a file of the user's. @param {File} file @returns {Promise<Read>} */
export const fromFile = async (file) => fromText(await file.text());

/** Where a file may be that the page's address names: a path may be meant from the folder that the page's own lies in. */
const placesOf = (address) => [...new Set([address, ...(URL.canParse(address) ? [] : [`../${address}`])].map((path) => new URL(path, document.baseURI).href))];

/** A lesson that the page's address names by its own. @param {string} address @returns {Promise<Read>} */
export async function fromAddress(address) {
  const urls = placesOf(address);
  for (const url of urls) {
    const answer = answerOf(new URL("./fetcher.js", import.meta.url), "nibble-lesson", url);
    const { text, problem, missing } = await answer.catch(() => ({ problem: "The page could not load what fetches it." }));
    if (text !== undefined) return fromText(text);
    if (!missing) return { lesson: null, problems: [problem] };
  }
  return { lesson: null, problems: [`There is no such file at ${urls.join(" nor at ")}.`] };
}

/** Lessons done on this device; without storage the page forgets them when it closes. */
export function loadDone() {
  try {
    return new Set(JSON.parse(localStorage.getItem(DONE_KEY) ?? "[]"));
  } catch {
    return new Set();
  }
}

export function saveDone(done) {
  try {
    localStorage.setItem(DONE_KEY, JSON.stringify([...done]));
  } catch {
    // Private windows of some browsers, and frames of foreign pages.
  }
}
