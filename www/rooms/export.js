/** What can be taken away: links, code to embed the page, the runs and the network as files. */
import * as exports from "../panels/exports.js";
import * as share from "../panels/share.js";

/** @type {import("../rooms.js").Room} */
export const room = {
  rows: [{ columns: [["exports"]] }, { columns: [["share"]] }],
  parts: { exports, share },
};
