/** What it gets wrong, and what it says about a picture of one's own. */
import * as errors from "../panels/errors.js";
import * as networks from "../panels/networks.js";
import * as tryIt from "../panels/try.js";

/** @type {import("../rooms.js").Room} */
export const room = {
  rows: [{ widths: "minmax(0, 1fr) 400px", columns: [["errors"], ["try", "networks"]] }],
  parts: { errors, try: tryIt, networks },
};
