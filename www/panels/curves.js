/** The plots of the first screen: the accuracies and the losses over the epochs, each with figures of now beside its title. */
import { fixed, percent, short } from "../format.js";
import { drawing } from "../frames.js";
import { accuracyPlot } from "../plots/accuracy.js";
import { ofRun } from "../plots/curves.js";
import { lossPlot } from "../plots/loss.js";
import { element, setText } from "../ui/dom.js";
import { term } from "../ui/term.js";

/**
 * @param {object} what
 * @param {string} what.name of the part, and entry of the glossary
 * @param {string} what.title
 * @param {() => import("../plots/curves.js").CurvePlot} what.makePlot draws into the element of the part's name
 * @param {{id: string, label: string, entry?: string, of: (run: object) => string}[]} what.figures of a run as it is now
 * @returns {{mount: import("../rooms.js").Part["mount"]}}
 */
const plotted = ({ name, title, makePlot, figures }) => ({
  mount(root, session) {
    const outputs = figures.map(({ id }) => element("output", { id }, "–"));
    const about = figures.map(({ label, entry }, i) => element("span", {}, entry ? term(entry, label) : label, " ", outputs[i]));
    root.classList.add("plot");
    root.append(
      element("header", {}, element("h2", { id: `${name}-title` }, term(name, title)), element("p", { class: "plot-about" }, ...about)),
      element("div", { class: "legend", id: `${name}-legend`, role: "group", "aria-label": `Curves of the ${name} plot` }),
      element("div", { class: "canvas", id: name, role: "img", "aria-label": `${title} over epochs: no training yet.` }),
    );
    const plot = makePlot();
    const draw = drawing(() => figures.forEach(({ of }, i) => setText(outputs[i], ofRun(session, of))), 60);
    session.on("run", () => plot.show(session.runs));
    session.on(["steps", "epoch"], () => plot.redraw());
    session.on(["run", "steps", "epoch", "status"], draw);
  },
});

export const accuracy = plotted({
  name: "accuracy",
  title: "Accuracy",
  makePlot: accuracyPlot,
  figures: [{ id: "best-now", label: "best test", of: ({ best }) => percent(best) }],
});

export const loss = plotted({
  name: "loss",
  title: "Loss",
  makePlot: lossPlot,
  figures: [
    { id: "lr-now", label: "learning rate", of: ({ last }) => short(last?.lr) },
    { id: "grad-now", label: "gradient norm", entry: "gradient", of: ({ last }) => fixed(last?.gradNorm, 2) },
  ],
});
