/** Recipes: the settings that each brings, and the part of the page that offers them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { recipes } from "../../pkg/registry.js";
import { recipeOf, settingsOf } from "../../www/recipes.js";
import { defaults, display, format, settingOf } from "../../www/settings.js";
import { PATIENCE, SMALL, unfold, within } from "./support.mjs";

const open = within("model", "recipes");

test("a recipe is known by its settings, whatever the seed", () => {
  const distinct = new Set(recipes.map((recipe) => JSON.stringify(settingsOf(recipe))));
  assert.equal(distinct.size, recipes.length);
  assert.equal(recipeOf(defaults()), null);
  for (const recipe of recipes) {
    const settings = { ...defaults(), ...settingsOf(recipe) };
    assert.equal(recipeOf({ ...settings, seed: 9, holdout: 50 }), recipe);
    assert.equal(recipeOf({ ...settings, lr: 0.5 }), null);
    for (const [key, text] of recipe.settings) assert.equal(format(null, settings[key]), text, `${recipe.name}: ${key}`);
  }
});

test("a recipe is taken from the page and told by its settings", async (t) => {
  const page = await open(t, { settings: { train: 320, test: 100, recipe: recipes[0].name, seed: 5 } });
  const used = (name) => page.locator(`[data-recipe="${name}"]`);
  const pressed = () => page.locator("[data-recipe]").evaluateAll((nodes) => nodes.filter((node) => node.ariaPressed === "true").map((node) => node.dataset.recipe));
  assert.deepEqual(await pressed(), [recipes[0].name]);
  for (const recipe of recipes) {
    await used(recipe.name).click();
    await page.waitForFunction((name) => document.querySelector(`[data-recipe="${name}"]`).ariaPressed === "true", recipe.name);
    assert.deepEqual(await pressed(), [recipe.name]);
    const shown = await page.evaluate(() => ({ ...nibble.settings }));
    for (const [key, text] of recipe.settings) assert.equal(format(null, shown[key]), text, `${recipe.name}: ${key}`);
    assert.equal(shown.seed, 5);
    assert.match(await page.locator("#recipes").innerText(), new RegExp(recipe.label));
  }
  // One setting of one's own, and it is none of them.
  await unfold(page, "settings");
  await page.locator("#set-batch").fill("64");
  await page.locator("#set-batch").press("Enter");
  await page.waitForFunction(() => !document.querySelector('[data-recipe][aria-pressed="true"]'));
});

test("how long a recipe takes here is told once its model has trained", async (t) => {
  const page = await open(t, { settings: { ...SMALL, epochs: 1 } });
  const note = (name) => page.locator(`li:has([data-recipe="${name}"]) .note`);
  const { name } = recipes[0];
  const model = display(settingOf("model"), settingsOf(recipes[0]).model);
  assert.match(await note(name).innerText(), new RegExp(`once ${model} has trained`));
  await page.evaluate((of) => localStorage.setItem("nibble.speeds", JSON.stringify({ [of]: 10 })), settingsOf(recipes[0]).model);
  await page.click("#play");
  await page.waitForFunction(() => nibble.run.status === "finished", null, PATIENCE);
  const { epochs } = settingsOf(recipes[0]);
  const images = await page.evaluate(() => nibble.run.data.train);
  await page.waitForFunction(([of, count]) => document.querySelector(`li:has([data-recipe="${of}"]) .note`).textContent.includes(`for ${count} epochs`), [name, epochs]);
  const hours = (epochs * images) / 10 / 3600;
  assert.match(await note(name).innerText(), new RegExp(hours >= 1 ? `about ${Math.floor(hours)} h` : "about \\d+ (min|s)"));
  const speeds = await page.evaluate(() => JSON.parse(localStorage.getItem("nibble.speeds")));
  assert.ok(speeds.simple_resnet4bit > 0, JSON.stringify(speeds));
});
