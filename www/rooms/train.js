/** The first screen: how far it is, accuracy, loss, one layer as it learns, and the settings. */
import { accuracy, loss } from "../panels/curves.js";
import * as health from "../panels/health.js";
import * as liveLayer from "../panels/livelayer.js";
import * as now from "../panels/now.js";
import * as settings from "../panels/settings.js";

/** @type {import("../rooms.js").Room} */
export const room = {
  rows: [
    { columns: [["now"]] },
    { columns: [["accuracy"], ["live-layer"], ["loss"]] },
    { columns: [["health"]] },
    { columns: [["settings"]] },
  ],
  // Open where somebody comes from, it would push the plots away.
  enter: () => settings.fold(),
  parts: { now, health, settings, accuracy: { ...accuracy, id: "accuracy-panel" }, loss: { ...loss, id: "loss-panel" }, "live-layer": liveLayer },
};
