/** What learns: the network, what its numbers are rounded to, and every setting. */
import * as engine from "../panels/engine.js";
import * as fixed from "../panels/fixed.js";
import * as levels from "../panels/levels.js";
import * as network from "../panels/network.js";
import * as recipes from "../panels/recipes.js";
import { unfold } from "../panels/settings.js";

/** @type {import("../rooms.js").Room} */
export const room = {
  rows: [
    { columns: [["network"]] },
    { columns: [["recipes"]] },
    { columns: [["settings"]] },
    { columns: [["levels", "engine"], ["fixed"]] },
  ],
  enter: () => unfold(true),
  parts: { network, recipes, levels, fixed, engine: { ...engine, id: "engine-panel" } },
};
