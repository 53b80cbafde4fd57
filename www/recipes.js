/** Recipes: which settings each changes, and which of them is at work. Pure functions. */
import { recipes } from "../pkg/registry.js";
import { defaults, format, parse, settingOf, SETTINGS } from "./settings.js";

/** What a recipe leaves as it is: another seed is another run of it, and what is kept aside is no part of the method. */
const FREE = ["seed", "holdout"];

/** The rows that a recipe decides. */
const decided = SETTINGS.filter(({ key, field }) => field && !FREE.includes(key));

/** The settings of a recipe, those that it does not name at their defaults. @param {typeof recipes[number]} recipe */
export function settingsOf(recipe) {
  const named = recipe.settings.map(([key, text]) => [key, parse(settingOf(key), text).value]);
  const usual = defaults();
  return { ...Object.fromEntries(decided.map(({ key }) => [key, usual[key]])), ...Object.fromEntries(named) };
}

/** The recipe that settings follow, or null. @param {import("./settings.js").Settings} settings */
export function recipeOf(settings) {
  const same = (recipe) => Object.entries(settingsOf(recipe)).every(([key, value]) => format(null, settings[key]) === format(null, value));
  return recipes.find(same) ?? null;
}
