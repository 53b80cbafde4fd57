/**
 * Contestants that train in turn: each is set up once and warmed up; then in each round each of them trains a few steps,
 * one after the other, so that whatever else the machine does meets them all.
 */
import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { BrowserWorker, Program } from "./contestants.mjs";
import { median, round } from "./table.mjs";

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

/**
 * Rounds until both of a pair begin anew, the other one first: where the system puts a program's memory makes up to two
 * percent, for as long as the program lives.
 */
const ROUNDS_OF_A_LIFE = 3;

/**
 * Two contestants in turn, for so many pairs of rounds: medians in ms a step, and the ratio of the pairs' times.
 * @param {(() => Promise<object>)[]} opens set up this one and that one
 * @param {string} name for what is said of each pair
 */
export async function pairOf(opens, rounds, name) {
  const pair = opens.map((open) => ({ open, times: [] }));
  const loads = [];
  const close = async () => {
    for (const contestant of pair) await contestant.place?.close();
  };
  try {
    for (let i = 0; i < rounds; i++) {
      if (i % ROUNDS_OF_A_LIFE === 0) {
        await close();
        for (const contestant of turns(pair, i / ROUNDS_OF_A_LIFE)) Object.assign(contestant, await contestant.open());
      }
      for (const contestant of turns(pair, i)) {
        loads.push(await restingLoad());
        contestant.times.push(median(await trainRound(contestant, 1)));
      }
      console.error(`${name}: round ${i + 1} of ${rounds}: ${pair.map(({ times }) => `${round(times[i])} ms`).join(" against ")}`);
    }
  } finally {
    await close();
  }
  const [mine, other] = pair.map(({ times }) => times);
  const ratios = mine.map((ms, i) => ms / other[i]);
  return {
    this_ms: round(median(mine)), that_ms: round(median(other)),
    ratio: round(median(ratios), 3), min: round(Math.min(...ratios), 3), max: round(Math.max(...ratios), 3),
    rounds, other_load: round(median(loads)), ready: pair.map(({ ready }) => ready),
  };
}

/** A line for results of which some may be of others' making, or nothing. */
export function doubts(results) {
  const load = Math.max(...results.map(({ other_load }) => other_load));
  if (load <= DOUBTFUL_LOAD) return "";
  return `\nOther programs kept up to ${round(100 * load, 0)} % of the machine busy while both rested: trust the ratios more than the times, and neither much.`;
}
