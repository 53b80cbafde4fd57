/** What learns: the network, what its numbers are rounded to, and every setting. */
import * as engine from "../panels/engine.js";
import * as fixed from "../panels/fixed.js";
import * as levels from "../panels/levels.js";
import * as network from "../panels/network.js";
import * as recipes from "../panels/recipes.js";
import * as schemes from "../panels/schemes.js";

/** @type {import("../rooms.js").Room} */
export const room = {
  rows: [
    { widths: "minmax(0, 1fr) minmax(0, 1.15fr)", columns: [["network"], ["schemes"]] },
    { columns: [["levels"]] },
    {
      label: "Settings of the run",
      tabs: [
        { part: "settings", label: "Settings" },
        { part: "recipes", label: "Recipes" },
        { part: "engine", label: "Engine" },
        { part: "fixed", label: "What is fixed" },
      ],
    },
  ],
  parts: { network, schemes, recipes, levels, fixed, engine: { ...engine, id: "engine-panel" } },
};
