/** The strip under the bar that is there while changes of settings wait for a new run. */
import { changesText } from "./controls.js";
import { setText } from "./dom.js";

const at = (id) => document.getElementById(id);

/** @param {import("../session.js").Session} session */
export function wirePending(session) {
  const actions = { apply: () => session.reset(), "race-waiting": () => session.experiments.raceWaiting(), undo: () => session.undo() };
  for (const [id, act] of Object.entries(actions)) {
    at(id).addEventListener("click", () => {
      // The button goes: the focus stays in the bar.
      at("play").focus({ preventScroll: true });
      act();
    });
  }
}

/** @param {import("../session.js").Session} session */
export function showPending({ waiting, run, settings }) {
  const some = waiting.length > 0 && run.begun;
  at("pending").classList.toggle("on", some);
  const counted = `${waiting.length} ${waiting.length === 1 ? "change waits" : "changes wait"} for a new run`;
  const text = some ? `${counted}: ${changesText(waiting, run.settings, settings)}.` : "";
  const words = at("pending-text");
  setText(words, text);
  words.title = text;
  // A long list scrolls within itself: the keyboard has to reach it.
  if (words.scrollHeight > words.clientHeight + 1) words.tabIndex = 0;
  else words.removeAttribute("tabindex");
  for (const button of at("pending").querySelectorAll("button")) button.disabled = !some;
}
