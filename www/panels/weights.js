/** The weights of every layer of the first run. */
import { Histograms } from "../plots/histograms.js";

const MARKUP = `
  <header>
    <h2 id="weights-title">Weights</h2>
    <p class="key"><span><i class="swatch"></i>latent 32-bit weights</span> <span><i class="swatch level"></i>the levels they are rounded to</span> <span><i class="swatch unused"></i>a level out of use</span> <span>heights on a square-root scale</span></p>
  </header>
  <div class="layers" id="layers"></div>`;

/** @type {import("../main.js").Mount} */
export function mount(root, session) {
  root.innerHTML = MARKUP;
  const histograms = new Histograms();
  return {
    changed(what) {
      if (what === "run" || what === "epoch" || what === "layers") histograms.show(session.run.layers);
    },
  };
}
