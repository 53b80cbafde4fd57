/** The page's files form layers: what a file imports knows nothing of it. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";

const WWW = new URL("../../www/", import.meta.url).pathname;
const files = readdirSync(WWW, { recursive: true }).filter((file) => file.endsWith(".js") && !file.startsWith("vendor"));
/** `import … from "./x.js"`, `export … from`, `import "./x.js"`, at the beginning of a line; comments only name types. */
const IMPORT = /^(?:import\s+|(?:import|export)\s[^"';(]*?\sfrom\s+)"(\.[^"]+)"/gm;
/** `new URL("./x.js", import.meta.url)`: a worker. */
const WORKER = /new URL\("(\.[^"]+\.js)", import\.meta\.url\)/g;

const found = (text, pattern, from) => [...text.matchAll(pattern)].map(([, to]) => normalize(join(dirname(from), to)));
const graph = new Map(files.map((file) => [file, found(readFileSync(WWW + file, "utf8"), IMPORT, file)]));

/** A circle of a graph, as a list that ends where it begins; null: there is none. @param {Map<string, string[]>} edges */
function circle(edges) {
  const done = new Set();
  const walk = (node, path) => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return null;
    for (const next of edges.get(node) ?? []) {
      const closed = walk(next, [...path, node]);
      if (closed) return closed;
    }
    done.add(node);
    return null;
  };
  for (const node of edges.keys()) {
    const closed = walk(node, []);
    if (closed) return closed;
  }
  return null;
}

test("circles are found", () => {
  assert.equal(circle(new Map([["a", ["b", "c"]], ["b", ["c"]], ["c", []]])), null);
  assert.deepEqual(circle(new Map([["a", ["b"]], ["b", ["c"]], ["c", ["b"]]])), ["b", "c", "b"]);
  assert.deepEqual(circle(new Map([["a", ["a"]]])), ["a", "a"]);
});

test("no file of the page imports itself by way of others", () => {
  assert.equal(circle(graph)?.join(" → "), undefined);
  const edges = [...graph.values()].flat();
  assert.ok(graph.size > 60 && edges.length > 150, `${graph.size} files and ${edges.length} imports: the pattern finds too few`);
});

test("every import and every worker is a file of the page, and every file is reached", () => {
  const reached = new Set(["main.js"]);
  const starts = (file) => [...(graph.get(file) ?? []), ...found(readFileSync(WWW + file, "utf8"), WORKER, file)];
  for (const file of reached) for (const next of starts(file)) if (!next.startsWith("vendor")) reached.add(next);
  // The one file from beside www/: the table that the build prints.
  assert.deepEqual([...reached].sort(), ["../pkg/registry.js", ...files].sort());
});
