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
/** `import("./x.js").then`: loaded when first used. Comments that name types have a property in its place. */
const LATER = /\bimport\("(\.[^"]+\.js)"\)\.then\b/g;

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
  const page = readFileSync(`${WWW}index.html`, "utf8");
  const reached = new Set([...page.matchAll(/<script [^>]*src="([^"]+)"/g)].map(([, file]) => file));
  assert.ok(reached.has("main.js"));
  const starts = (file) => [...(graph.get(file) ?? []), ...[WORKER, LATER].flatMap((pattern) => found(readFileSync(WWW + file, "utf8"), pattern, file))];
  for (const file of reached) for (const next of starts(file)) if (!next.startsWith("vendor")) reached.add(next);
  // The one file from beside www/: the table that the build prints.
  assert.deepEqual([...reached].sort(), ["../pkg/registry.js", ...files].sort());
});

/** Paths of a `use` tree: "a::{b, c::{d, e}}" -> ["a::b", "a::c::d", "a::c::e"]. */
function paths(tree) {
  const open = tree.indexOf("{");
  if (open < 0) return [tree.split(" as ")[0].trim()];
  const found = [];
  let [depth, start] = [0, open + 1];
  for (let i = start; i < tree.length; i++) {
    if (tree[i] === "{") depth += 1;
    if ((tree[i] === "," || tree[i] === "}") && depth === 0) {
      const part = tree.slice(start, i).trim();
      if (part) found.push(...paths(tree.slice(0, open) + part));
      start = i + 1;
    }
    if (tree[i] === "}") depth -= 1;
  }
  return found;
}

/** File -> the files whose modules it names, of a crate's sources. A module's own ancestors hold it, and do not count. */
function rustGraph(folder) {
  const root = new URL(`../../${folder}/`, import.meta.url).pathname;
  const sources = readdirSync(root, { recursive: true }).filter((file) => file.endsWith(".rs"));
  const moduleOf = (file) => file.replace(/\.rs$/, "").split("/").filter((part, i, all) => i < all.length - 1 || !["mod", "lib", "main"].includes(part));
  const fileOf = new Map(sources.map((file) => [moduleOf(file).join("::"), file]));
  const edges = new Map();
  for (const file of sources) {
    const own = moduleOf(file);
    const code = readFileSync(root + file, "utf8").split(/#\[cfg\(test\)\]\s*mod tests/)[0].replace(/\/\/.*/g, "");
    const uses = [...code.matchAll(/\buse\s+([^;]+);/g)].flatMap(([, tree]) => paths(tree.replace(/\s+/g, " ")));
    const named = [...code.matchAll(/\b(?:crate|super)(?:::\w+)+/g)].map(([path]) => path);
    const targets = new Set();
    for (const path of [...uses, ...named]) {
      let parts = path.split("::").map((part) => part.trim());
      let at = [];
      if (parts[0] === "crate") parts = parts.slice(1);
      else if (parts[0] === "super") {
        at = own;
        while (parts[0] === "super") [at, parts] = [at.slice(0, -1), parts.slice(1)];
      } else if (parts[0] === "self" || fileOf.has([...own, parts[0]].join("::"))) [at, parts] = [own, parts[0] === "self" ? parts.slice(1) : parts];
      else continue;
      while (parts.length > 0 && fileOf.has([...at, parts[0]].join("::"))) [at, parts] = [[...at, parts[0]], parts.slice(1)];
      const isAncestor = at.every((part, i) => part === own[i]);
      if (!isAncestor) targets.add(fileOf.get(at.join("::")));
    }
    edges.set(file, [...targets].filter(Boolean));
  }
  return edges;
}

for (const folder of ["src", "xtask/src"]) {
  test(`no circle of files in ${folder}`, () => {
    const edges = rustGraph(folder);
    assert.ok([...edges.values()].flat().length > edges.size, "what a file names is found");
    assert.equal(circle(edges), null);
  });
}
