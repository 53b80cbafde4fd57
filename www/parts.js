/**
 * The parts of the page by the names that an address (`show=accuracy,weights`) and a lesson call them, each with
 * the selector of its element. No DOM here.
 */
export const PARTS = Object.freeze({
  transport: ".transport",
  health: "#health",
  settings: "#settings",
  accuracy: "[aria-labelledby='accuracy-title']",
  loss: "[aria-labelledby='loss-title']",
  compare: "#compare",
  ptq: "#ptq",
  sweep: "#sweep",
  outlier: "#outlier",
  weights: "#weights",
  activations: "#activations",
  gradients: "#gradients",
  errors: "#errors",
  try: "#try",
  runs: "#runs",
  share: "#share",
  data: "#drop",
  engine: "[aria-labelledby='engine-title']",
  device: "#device",
  epochs: "#epochs-panel",
});

/** What an embedded page shows unless its address says otherwise: what moves while it trains. */
export const EMBEDDED = Object.freeze(["health", "settings", "accuracy", "loss", "weights"]);

/** Buttons that a lesson can point at and press. */
export const BUTTONS = Object.freeze({
  train: "#play",
  step: "#step",
  reset: "#reset",
  "new-seed": "#new-seed",
  apply: "#apply",
  "race-waiting": "#race-waiting",
  undo: "#undo",
  race: "#race",
  fork: "#fork",
  ptq: "#ptq-go",
  outlier: "#outlier-go",
});
