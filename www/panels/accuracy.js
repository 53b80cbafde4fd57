/** The plot of the accuracies. */
import { percent } from "../format.js";
import { drawing } from "../frames.js";
import { accuracyPlot } from "../plots/accuracy.js";
import { ofRun } from "../plots/curves.js";
import { setText } from "../ui/dom.js";
import { termMarkup } from "../ui/term.js";

const MARKUP = `
  <header><h2 id="accuracy-title">${termMarkup("accuracy", "Accuracy")}</h2><p class="plot-about"><span>best test <output id="best-now">–</output></span></p></header>
  <div class="legend" id="accuracy-legend" role="group" aria-label="Curves of the accuracy plot"></div>
  <div class="canvas" id="accuracy" role="img" aria-label="Accuracy over epochs: no training yet."></div>`;

/** @type {import("../rooms.js").Part["mount"]} */
export function mount(root, session) {
  root.innerHTML = MARKUP;
  root.classList.add("plot");
  const plot = accuracyPlot();
  const draw = drawing(() => setText(root.querySelector("#best-now"), ofRun(session, ({ best }) => percent(best))), 60);
  session.on("run", () => plot.show(session.runs));
  session.on(["steps", "epoch"], () => plot.redraw());
  session.on(["run", "epoch"], draw);
}
