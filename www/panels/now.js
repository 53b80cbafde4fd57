/**
 * What there is to know and to do now: before the first step what this is, while it trains how far it has come, at the
 * end what was reached and what may come next.
 */
import { percent, whole } from "../format.js";
import { drawing } from "../frames.js";
import { MORE_EPOCHS } from "../kept/keeping.js";
import { wilson } from "../stats.js";
import { scoreText } from "../ui/bar.js";
import { element, setText } from "../ui/dom.js";

/** Which lesson a newcomer is offered. */
const FIRST_LESSON = "levels";

function button(label, id, act, primary = false) {
  const made = element("button", { type: "button", class: primary ? "primary" : "", id }, label);
  made.addEventListener("click", act);
  return made;
}

/** A button that leads to a part of another room, and presses something there. @param {string} [press] selector */
const way = (label, id, part, press) => element("button", { type: "button", id, "data-part-wanted": part, ...(press && { "data-press": press }) }, label);

/** Presses what stands elsewhere: one thing is done in one place. */
const press = (selector) => document.querySelector(selector)?.click();

/** "Guessing would get 10 %." */
const guessing = (run) => `Guessing would get ${percent(1 / run.data.classes.length, 0)}.`;

/** The same, or, where what was reached cannot be told from it, that. */
function chanceOf(run) {
  const last = run.epochs.at(-1);
  const [low] = last ? wilson(last.testAccuracy, run.info.images[1]) : [1];
  return low > 1 / run.data.classes.length ? guessing(run) : `That is within chance of guessing, ${percent(1 / run.data.classes.length, 0)}: more epochs or another rate may help.`;
}

const STATES = {
  fresh: {
    title: () => "A network whose every weight has 4 bits, learning in this tab",
    text: () => "Press Train: it looks at small pictures and learns what they show, with weights rounded to a handful of values. Nothing is downloaded or sent.",
    buttons: () => [
      button("Train", "now-train", () => press("#play"), true),
      button("New here? A lesson of two minutes", "now-lesson", () => {
        press("#lessons-button");
        press(`[data-lesson="${FIRST_LESSON}"]`);
      }),
    ],
  },
  training: {
    title: ({ run }) => (run.epochs.length > 0 ? `${percent(run.epochs.at(-1).testAccuracy)} of new pictures are recognised after epoch ${run.epochs.length}` : "It sees every training picture once: that is an epoch"),
    text: ({ run }) => `${guessing(run)} ${run.epochs.length > 0 ? `Tested on ${whole(run.info.images[1])} pictures that it never trained on.` : "Then it is tested on pictures that it never trained on."}`,
    buttons: () => [],
  },
  finished: {
    title: ({ run, runs }) => (runs.length > 1 ? "Both runs are done" : `Done: ${scoreText(run)} of new pictures are recognised`),
    text: ({ run }) => `${chanceOf(run)} Behind ± is what chance does with ${whole(run.info.images[1])} test images.${run.info.images[1] < 50 ? " So few test images say little." : ""}`,
    buttons: (session) => [
      way("Try your picture", "now-try", "try"),
      way("Compare bits…", "now-sweep", "sweep", "#sweep-open"),
      button("Compare with FP32", "now-compare", () => session.experiments.race("quantizer:none")),
      button(`${MORE_EPOCHS} more epochs`, "now-more", () => session.experiments.lengthen(session.settings.epochs + MORE_EPOCHS)),
      way("Fork it…", "now-fork", "compare"),
    ],
  },
};

/** Whether a button is of use now, by its id; the others always are. */
const USE = {
  "now-compare": ({ runs, run }) => runs.length < 2 && run.settings.quantizer !== "none",
  "now-fork": ({ runs }) => runs.length < 2,
  "now-sweep": ({ runs }) => runs.length < 2,
};

function stateOf({ run, finished, playing }) {
  if (!run || (!run.trained && !playing)) return "fresh";
  return finished && !playing ? "finished" : "training";
}

/** @type {import("../rooms.js").Part["mount"]} */
export function mount(root, session) {
  const title = element("h2", { id: "now-title" });
  const text = element("p", { class: "now-text" });
  const buttons = element("div", { class: "now-buttons" });
  root.append(element("div", {}, title, text), buttons);
  let shown = "";
  const draw = drawing(() => {
    const state = stateOf(session);
    const { title: titleOf, text: textOf, buttons: buttonsOf } = STATES[state];
    setText(title, titleOf(session));
    setText(text, textOf(session));
    const key = `${state} ${session.run?.settings.quantizer} ${session.runs.length}`;
    if (key === shown) return;
    shown = key;
    buttons.replaceChildren(...buttonsOf(session).filter(({ id }) => USE[id]?.(session) ?? true));
  }, 125);
  draw();
  session.on(["run", "status", "epoch", "settings"], draw);
}
