/** Options of a script: `--name=value`. */
import { parseArgs } from "node:util";

/** @param {string[]} numbers names of options that are numbers @param {string[]} texts names of the others */
export function readOptions(numbers, texts) {
  const { values } = parseArgs({ options: Object.fromEntries([...numbers, ...texts].map((name) => [name, { type: "string" }])) });
  return { ...values, ...Object.fromEntries(numbers.filter((name) => name in values).map((name) => [name, Number(values[name])])) };
}
