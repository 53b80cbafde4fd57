/** The report of `bench kernels`. */
import { round, table } from "./table.mjs";

/** The passes of a convolution. */
const PASSES = ["forward", "backward input", "backward weight"];
/** VGG4bit's layers after the first: the five shapes that Winograd is for. */
const WINOGRAD_SHAPES = ["64-64@32", "64-128@16", "128-128@16", "128-256@8", "256-256@8"];
/** The product that stands for matrix products as such: large, and square enough to be bound by arithmetic. */
const GEMM = { kernel: "linear forward", shape: "512-512 n=1024" };

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * What the table adds up to: the matrix product's share of the peak, and for each pass how many times faster than the
 * direct kernel the chosen path is, and than that one the path in integers, averaged over {@link WINOGRAD_SHAPES}; only what
 * was measured.
 */
export function summarize(timings) {
  const find = (kernel, shape) => timings.find((timing) => timing.kernel === kernel && timing.shape === shape);
  const facts = [];
  const gemm = find(GEMM.kernel, GEMM.shape);
  if (gemm) facts.push({ fact: `matrix product ${GEMM.shape}, share of the peak`, value: round(gemm.peakShare, 3) });
  /** How many times faster a kernel is than another, averaged. */
  const compare = (fact, kernel, other) => {
    const pairs = WINOGRAD_SHAPES.map((shape) => [find(other, shape), find(kernel, shape)]);
    if (pairs.every(([one, two]) => one && two)) facts.push({ fact, value: round(mean(pairs.map(([one, two]) => one.ms / two.ms))) });
  };
  for (const pass of PASSES) {
    compare(`conv3x3 ${pass}, times the direct kernel`, `conv3x3 ${pass}`, `conv3x3 ${pass} direct`);
    compare(`int8 conv3x3 ${pass}, times that of f32`, `int8 conv3x3 ${pass}`, `conv3x3 ${pass}`);
  }
  return facts;
}

/** As lines of JSON, or a table with its summary. */
export function reportKernels(timings, { build, threads }, json) {
  const where = build ?? "native";
  const facts = summarize(timings);
  if (json) {
    const rows = timings.map(({ kernel, shape, ms, gflops, gbytes, peakShare }) => ({
      build: where, threads, kernel, shape, ms: round(ms, 4), gflops: round(gflops), gbytes: round(gbytes), peakShare: round(peakShare, 3),
    }));
    return [...rows, ...facts.map((fact) => ({ build: where, threads, ...fact }))].map((row) => JSON.stringify(row)).join("\n");
  }
  const rows = timings.map(({ kernel, shape, ms, gflops, gbytes, peakShare }) => [
    kernel, shape, round(ms, 3),
    gflops ? round(gflops, 1) : "", gflops ? round(100 * peakShare, 0) : "", gbytes ? round(gbytes, 1) : "",
  ]);
  const head = `${where}, ${threads} threads\n`;
  const foot = facts.map(({ fact, value }) => `\n${fact}: ${value}`).join("");
  return head + table(["kernel", "shape", "ms", "GFLOP/s", "% of peak", "GB/s"], rows) + (foot && `\n${foot}`);
}
