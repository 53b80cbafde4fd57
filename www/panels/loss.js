/** The plot of the losses. */
import { fixed, short } from "../format.js";
import { drawing } from "../frames.js";
import { ofRun } from "../plots/curves.js";
import { lossPlot } from "../plots/loss.js";
import { setText } from "../ui/dom.js";
import { termMarkup } from "../ui/term.js";

const MARKUP = `
  <header><h2 id="loss-title">${termMarkup("loss", "Loss")}</h2><p class="plot-about"><span>learning rate <output id="lr-now">–</output></span> <span>${termMarkup("gradient", "gradient norm")} <output id="grad-now">–</output></span></p></header>
  <div class="legend" id="loss-legend" role="group" aria-label="Curves of the loss plot"></div>
  <div class="canvas" id="loss" role="img" aria-label="Loss over epochs: no training yet."></div>`;

/** @type {import("../rooms.js").Part["mount"]} */
export function mount(root, session) {
  root.innerHTML = MARKUP;
  root.classList.add("plot");
  const plot = lossPlot();
  const draw = drawing(() => {
    setText(root.querySelector("#lr-now"), ofRun(session, ({ last }) => short(last?.lr)));
    setText(root.querySelector("#grad-now"), ofRun(session, ({ last }) => fixed(last?.gradNorm, 2)));
  }, 60);
  session.on("run", () => plot.show(session.runs));
  session.on(["steps", "epoch"], () => plot.redraw());
  session.on(["run", "steps", "epoch", "status"], draw);
}
