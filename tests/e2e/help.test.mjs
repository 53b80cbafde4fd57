/** The panel behind "?": about, method and words; and the words of the page, which lead to their entries. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { GLOSSARY } from "../../www/help/glossary.js";
import { ROOMS } from "../../www/rooms.js";
import { assertFits, drawn, enter, NARROW, open, PATIENCE, screenshot, seriousFindings, unfold, WIDE } from "./support.mjs";

/** Waits until the panel shows the entry of that name, marked and in sight. */
const shows = (page, name) =>
  page.waitForFunction(
    (wanted) => {
      const [dialog, entry] = [document.getElementById("help"), document.getElementById(`word-${wanted}`)];
      if (!dialog?.open || document.activeElement !== entry || !entry.classList.contains("meant")) return false;
      const [box, { top, bottom }] = [dialog.getBoundingClientRect(), entry.getBoundingClientRect()];
      return top >= box.top && bottom <= box.bottom;
    },
    name,
    PATIENCE,
  );
const closed = (page) => page.waitForFunction(() => !document.getElementById("help").open);

test("every word that is a link has an entry, whichever part it stands in", async (t) => {
  const page = await open(t);
  for (const { name, parts } of ROOMS) {
    await enter(page, name);
    for (const part of parts) await unfold(page, part);
  }
  const linked = await page.evaluate(() => [...document.querySelectorAll("[data-term]")].map(({ dataset }) => dataset.term).filter(Boolean));
  assert.deepEqual(linked.filter((name) => !(name in GLOSSARY)), []);
  for (const name of ["saturation", "latent", "flip", "straight-through", "granularity", "level", "scale", "entropy", "gradient"]) assert.ok(linked.includes(name), `nothing leads to ${name}`);
  for (const { word, text } of Object.values(GLOSSARY)) assert.ok(word && /[.:]$/.test(text.trim()), word);
});

test(`${WIDE.width} px: the bar opens the panel in every room, a word its entry; the focus goes back to what was pressed`, async (t) => {
  const page = await open(t, { context: { viewport: WIDE } });
  for (const { name } of ROOMS) {
    await enter(page, name);
    await page.click("#help-button");
    await page.waitForFunction(() => document.activeElement.id === "help-title");
    await page.keyboard.press("Escape");
    await closed(page);
    assert.equal(await page.evaluate(() => document.activeElement.id), "help-button", name);
  }
  await enter(page, "train");
  await page.focus("#health [data-term=saturation]");
  await page.keyboard.press("Enter");
  await shows(page, "saturation");
  assert.deepEqual(await seriousFindings(page, "#help"), []);
  await screenshot(page, "help-1440", false);
  await page.click("#help [aria-label=Close]");
  await closed(page);
  assert.equal(await page.evaluate(() => document.activeElement.dataset.term), "saturation");
  await enter(page, "model", "settings");
  await page.click("[data-key=ste] [data-term]");
  await shows(page, "straight-through");
  assert.ok(await page.locator("#set-ste").isChecked(), "the word has turned the switch");
  await page.mouse.click(5, 5);
  await closed(page);
});

test(`${NARROW.width} px: by touch, from the menu of the bar and from a word`, async (t) => {
  const page = await open(t, { context: { viewport: NARROW, hasTouch: true }, room: "inside" });
  await drawn(page);
  await page.locator("#weights [data-term=latent]").tap();
  await shows(page, "latent");
  await assertFits(page);
  await screenshot(page, "help-390", false);
  await page.locator("#help [aria-label=Close]").tap();
  await closed(page);
  await page.locator("#menu-open").tap();
  await page.locator(".menu-help").tap();
  await page.waitForFunction(() => document.activeElement.id === "help-title");
  assert.deepEqual(await seriousFindings(page, "#help"), []);
});
