/**
 * ONNX and safetensors as Netron's own parser reads them. Environment: NIBBLE_CASES (folders that tests/runtimes/main.rs
 * wrote), NIBBLE_PYTHON (one that has the package netron).
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";

const { NIBBLE_CASES, NIBBLE_PYTHON } = process.env;
const cases = readdirSync(NIBBLE_CASES).filter((name) => readdirSync(join(NIBBLE_CASES, name)).includes("about.json"));

const installed = execFileSync(NIBBLE_PYTHON, ["-c", "import netron; print(netron.__path__[0])"], { encoding: "utf8" }).trim();
const copy = mkdtempSync(join(tmpdir(), "netron-"));
after(() => rmSync(copy, { recursive: true }));
cpSync(installed, copy, { recursive: true });
// Its modules are the package's, which says nothing to Node.js.
writeFileSync(join(copy, "package.json"), '{"type":"module"}');
const own = (file) => pathToFileURL(join(copy, file)).href;
const [base, view] = await Promise.all([import(own("base.js")), import(own("view.js"))]);

/** What the program around it gives. */
const host = {
  window: {},
  document: {},
  environment: () => null,
  event() {},
  require: (id) => import(own(`${id}.js`)),
  exception(error) {
    throw error;
  },
  request: async (file, encoding) => {
    const bytes = readFileSync(join(copy, file));
    return encoding ? bytes.toString(encoding) : new base.BinaryStream(new Uint8Array(bytes));
  },
};

function open(name, file) {
  const stream = new base.BinaryStream(new Uint8Array(readFileSync(join(NIBBLE_CASES, name, file))));
  const { request, require, exception: error } = host;
  return new view.ModelFactoryService(host).open({ identifier: file, name: file, stream, entries: new Map(), request, require, error });
}

test("Netron reads every network in ONNX, and the types of its weights", async () => {
  assert.ok(cases.length > 0);
  for (const name of cases) {
    const { packed } = JSON.parse(readFileSync(join(NIBBLE_CASES, name, "about.json"), "utf8"));
    const model = await open(name, "network.onnx");
    assert.equal(model.format, "ONNX v10", name);
    const { nodes } = model.modules[0];
    const types = nodes.map(({ type }) => type.name);
    assert.ok(types.includes("Conv") && types.includes("Gemm"), `${name}: ${types}`);
    const tensors = nodes.flatMap(({ inputs }) => inputs.flatMap(({ value }) => value.map(({ initializer }) => initializer).filter(Boolean)));
    const small = tensors.filter(({ type }) => /^u?int4/.test(String(type)));
    assert.equal(small.length > 0, packed, `${name}: ${tensors.map(({ type }) => String(type))}`);
  }
});

test("Netron reads every network in safetensors", async () => {
  for (const name of cases) {
    const model = await open(name, "network.safetensors");
    assert.equal(model.format, "Safetensors", name);
    const { layers } = JSON.parse(readFileSync(join(NIBBLE_CASES, name, "about.json"), "utf8"));
    assert.ok(model.modules[0].nodes.length >= layers, name);
  }
});
