/** Ends that nobody announces. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { torture } from "./torture.mjs";

test("a tab that crashes, a worker that is ended and a browser that is killed leave a whole run", async (t) => {
  const rows = await torture(t, "tab.mjs", "1", "7");
  assert.equal(rows.length, 3);
  assert.ok(rows.some(([, , saved]) => saved > 0), "none was saved before it ended");
  for (const [what, times, saved, readable] of rows) {
    assert.ok(times >= 1, what);
    assert.equal(readable, saved, what);
  }
});
