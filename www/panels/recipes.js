/** Recipes: sets of settings that train well, each with what it reached and how long it takes here. */
import { recipes } from "../../pkg/registry.js";
import { duration, percent } from "../format.js";
import { drawing } from "../frames.js";
import { recipeOf, settingsOf } from "../recipes.js";
import { display, settingOf } from "../settings.js";
import { learnEpochs, modelSpeed } from "../speeds.js";
import { element, setAttribute, setText } from "../ui/dom.js";

/** "92.4 % on CIFAR-10 after 12 epochs, the mean of 3 seeds"; of a recipe that was not measured nothing. */
function reachedText(reached) {
  if (!reached) return "";
  const { accuracy, data, epochs, seeds } = reached;
  return `Reached ${percent(accuracy)} on ${display(settingOf("data"), data)} after ${epochs} epochs${seeds > 1 ? `, the mean of ${seeds} seeds` : ""}. `;
}

/** How long its epochs take with the images that are loaded. */
function timeText({ model, epochs }, speed, images) {
  if (!(speed > 0) || !images) return `How long it takes here shows once ${display(settingOf("model"), model)} has trained an epoch.`;
  return `Here about ${duration((epochs * images) / speed)} for ${epochs} epochs of the loaded images.`;
}

/** @type {import("../rooms.js").Part["mount"]} */
export function mount(root, session) {
  const list = element("ul", { class: "recipe-list" });
  const about = element("p", { class: "panel-about" }, "Sets of settings that train well. What you change afterwards is yours.");
  root.append(element("header", {}, element("h2", { id: "recipes-title" }, "Recipes"), about), list);
  let reached = {};
  learnEpochs(session.runs);
  const items = recipes.map((recipe) => {
    const use = element("button", { type: "button", class: "small", "data-recipe": recipe.name }, "Use");
    use.addEventListener("click", () => session.adopt(settingsOf(recipe)));
    const told = element("p", { class: "note" });
    list.append(element("li", {}, element("strong", {}, recipe.label), use, element("p", {}, `${recipe.about}.`), told));
    return { recipe, use, told };
  });
  const draw = drawing(() => {
    const present = recipeOf(session.settings);
    for (const { recipe, use, told } of items) {
      const settings = settingsOf(recipe);
      const isPresent = recipe === present;
      setText(use, isPresent ? "In use" : "Use");
      setAttribute(use, "aria-pressed", String(isPresent));
      setText(told, reachedText(reached[recipe.name]) + timeText(settings, modelSpeed(settings.model), session.loaded?.info.train));
    }
  }, 125);
  draw();
  session.on(["run", "epoch"], () => learnEpochs(session.runs));
  session.on(["settings", "epoch", "data", "run"], draw);
  fetch(new URL("../reference/recipes.json", import.meta.url))
    .then((response) => (response.ok ? response.json() : {}))
    .then((known) => {
      reached = known;
      draw();
    }, () => {}); // Without it no figures are told.
}
