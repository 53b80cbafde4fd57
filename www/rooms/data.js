/** What it learns from: the loaded images, files of one's own, and what this device keeps of them. */
import * as data from "../panels/data.js";
import * as device from "../panels/device.js";

/** @type {import("../rooms.js").Room} */
export const room = {
  rows: [{ widths: "minmax(0, 1fr) 320px", columns: [["data"], ["device"]] }],
  parts: { data: { ...data, id: "drop" }, device },
};
