/** The session: one table of events, and nothing that another file can write into. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Events, EVENTS } from "../../www/events.js";
import { open, SMALL } from "./support.mjs";

test("listeners are called in their order; a name that is no event fails at once", () => {
  const events = new Events();
  const heard = [];
  events.on("run", (name) => heard.push(["first", name]));
  events.on(["run", "epoch"], (name) => heard.push(["second", name]));
  events.onAny((name) => heard.push(["any", name]));
  events.tell("run");
  events.tell("epoch");
  events.tell("offline");
  assert.deepEqual(heard, [["first", "run"], ["second", "run"], ["any", "run"], ["second", "epoch"], ["any", "epoch"], ["any", "offline"]]);
  for (const wrong of ["step", "toString", "", undefined]) {
    assert.throws(() => events.tell(wrong), /is no event: there are settings, /);
    assert.throws(() => events.on([wrong], () => {}), /is no event/);
  }
  for (const [name, what] of Object.entries(EVENTS)) assert.ok(what.length > 10, name);
});

test("what the session holds is changed by its methods alone", async (t) => {
  const page = await open(t, { settings: { ...SMALL, build: "single" } });
  const written = await page.evaluate(() => {
    "use strict";
    const held = ["settings", "touched", "engine", "memory", "loaded", "offline", "runs", "loading", "busy", "turn", "run", "behind", "playing", "finished", "waiting"];
    const tries = held.map((name) => [name, () => (nibble[name] = null)]);
    tries.push(["settings.bits", () => (nibble.settings.bits = 3)]);
    return tries.filter(([, write]) => {
      try {
        write();
        return true;
      } catch (error) {
        return !(error instanceof TypeError);
      }
    }).map(([name]) => name);
  });
  assert.deepEqual(written, []);
  const told = await page.evaluate(() => {
    const heard = [];
    nibble.onAny((name) => heard.push(name));
    const before = nibble.settings;
    nibble.take({ seed: 5 });
    return [heard, before.seed, nibble.settings.seed];
  });
  assert.deepEqual(told, [["settings"], 1, 5]);
});
