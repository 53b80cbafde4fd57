/**
 * Contestants that train in turn: each is set up once and warmed up; then in each round each of them trains a few steps,
 * one after the other, so that whatever else the machine does meets them all.
 */
import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { BrowserWorker, Program } from "./contestants.mjs";

/** Between two contestants, for the threads of the one before to fall asleep, and then to see who else is awake. */
const PAUSE_MS = 100;
const WATCH_MS = 250;
/** More than this share of the machine used by others makes figures doubtful. */
export const DOUBTFUL_LOAD = 0.1;
/** A round of a contestant takes at least this long: steps of a few milliseconds say little one by one. */
const ROUND_MS = 1000;
/** Longest wait for Nibble, in seconds. */
export const PATIENCE = 600;

/** A contestant in a worker of headless Chromium, ready for its steps. @param {string} [site] address of the server */
export async function inBrowser(script, request, seconds, type, site) {
  const place = await BrowserWorker.open(script, type, site);
  try {
    return { place, seconds, ...(await place.ask(request, seconds, `setting up and a step of ${request.batch} images`)) };
  } catch (error) {
    await place.close();
    throw error;
  }
}

/** A contestant that is a program, ready for its steps. */
export async function program(path, parameters, environment) {
  const place = new Program(path, parameters, environment);
  try {
    return { place, seconds: PATIENCE, ...(await place.next(PATIENCE)) };
  } catch (error) {
    place.close();
    throw error;
  }
}

/** Busy and all time of the cores so far, ms. */
function cores() {
  const times = cpus().map(({ times: { user, nice, sys, irq, idle } }) => ({ busy: user + nice + sys + irq, idle }));
  const sum = (key) => times.reduce((total, core) => total + core[key], 0);
  return { busy: sum("busy"), all: sum("busy") + sum("idle") };
}

/** Waits; gives the share of the machine that was busy meanwhile, though every contestant was at rest. */
export async function restingLoad() {
  await sleep(PAUSE_MS);
  const before = cores();
  await sleep(WATCH_MS);
  const after = cores();
  return (after.busy - before.busy) / (after.all - before.all);
}

/** One contestant's round: the milliseconds of each of its steps. */
export async function trainRound({ place, seconds }, steps) {
  const all = [];
  while (all.reduce((sum, each) => sum + each, 0) < ROUND_MS) {
    const { ms } = await place.ask({ steps }, seconds, `${steps} steps`);
    all.push(...ms);
  }
  return all;
}

/** Whose turn it is in a round: another one begins each time. */
export const turns = (contestants, round) => {
  const first = round % contestants.length;
  return [...contestants.slice(first), ...contestants.slice(0, first)];
};
