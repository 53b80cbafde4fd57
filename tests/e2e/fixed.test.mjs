/** What the page says is fixed is so in the engine's sources. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FIXED } from "../../www/panels/fixed.js";

const source = (file) => readFileSync(new URL(`../../src/${file}`, import.meta.url), "utf8");
const of = (name) => FIXED.find(([what]) => what === name)[1];

test("each figure of the table of what is fixed stands in the engine's sources", () => {
  assert.match(source("layers/batch_norm.rs"), new RegExp(`EPSILON: f32 = ${of("Batch normalisation").match(/\S+$/)[0]};`));
  const [, beta, epsilon] = of("AdamW").match(/beta2 ([\d.]+), epsilon (\S+);/);
  assert.ok(source("optim/adamw.rs").includes(`beta2: ${beta},`) && source("optim/adamw.rs").includes(`eps: ${epsilon},`) && source("optim/adamw.rs").includes("beta1: at.momentum,"));
  for (const file of ["layers/conv2d.rs", "layers/projection.rs"]) assert.match(source(file), /He et al\.[\s\S]{0,120}variance: 2\.0 \//, file);
  assert.match(source("layers/conv2d.rs"), /Role::Bias, &\[out\], Init::Constant\(0\.0\)/);
  assert.match(source("random.rs"), /ChaCha8/);
  assert.equal(FIXED.length, new Set(FIXED.map(([name]) => name)).size);
});
