/** Which moment of the run all parts of the room show: one slider for weights, activations and gradients. */
import { element } from "../ui/dom.js";
import { ReplayControl } from "../ui/replay.js";
import { replayOf } from "./history.js";

/** @type {import("../rooms.js").Part["mount"]} */
export function mount(root, session) {
  const box = element("div", { role: "group", "aria-labelledby": "moment-title" });
  root.append(element("h2", { id: "moment-title" }, "Moment"), box);
  new ReplayControl(box, replayOf(session), "The network over the epochs");
}
