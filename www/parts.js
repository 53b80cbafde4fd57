/**
 * The parts of the page by the names that an address (`show=accuracy,weights`) and a lesson call them, each with
 * the selector of its element. No DOM here.
 */
export const PARTS = Object.freeze({
  transport: ".transport",
  settings: "#settings",
  accuracy: "[aria-labelledby='accuracy-title']",
  loss: "[aria-labelledby='loss-title']",
  lab: "#lab",
  weights: "#weights",
  errors: "#errors",
  tryit: "#tryit",
  share: "#share",
  data: "#drop",
  engine: "[aria-labelledby='engine-title']",
  device: "#device",
  epochs: "#epochs-panel",
});

/** What an embedded page shows unless its address says otherwise: what moves while it trains. */
export const EMBEDDED = Object.freeze(["settings", "accuracy", "loss", "weights"]);
