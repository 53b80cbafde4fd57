/** What the schemes of a run say of its weights and of what is packed of them. Pure functions. */
import { display, settingOf } from "./settings.js";

/** "Shift" of runs by whose scheme the master weights of some layer are latent variables of signs. @returns {string[]} */
export function signSchemes(runs) {
  const of = runs.filter(({ layers }) => layers.some(({ signs }) => signs));
  return [...new Set(of.map(({ settings }) => display(settingOf("quantizer"), settings.quantizer)))];
}

const FULL_BITS = 32;
/** Layers that are named one by one. */
const MOST_NAMED = 3;

/** How weights of so many bits are packed. */
function howPacked(bits) {
  if (bits === FULL_BITS) return "FP32 weights as they are";
  if (bits > 8) return `${bits}-bit levels, two bytes each`;
  if (bits > 4) return `${bits}-bit levels, one to a byte`;
  return bits === 4 ? "Two 4-bit weights to a byte" : `${bits}-bit levels, two to a byte`;
}

/** "conv1", "conv1 and linear1", "conv1, conv2 and linear1", "5 layers". */
function listed(names) {
  if (names.length > MOST_NAMED) return `${names.length} layers`;
  return [names.slice(0, -1).join(", "), names.at(-1)].filter(Boolean).join(" and ");
}

/**
 * How a network is packed: as most of its layers are, and which are not. "Two 4-bit weights to a byte; conv1 and linear1
 * 8-bit".
 * @param {{name: string, bits?: number|null}[]} layers of a packed network; those without bits have no weights
 */
export function packingText(layers) {
  const names = new Map();
  for (const { name, bits } of layers.filter((layer) => layer.bits)) names.set(bits, [...(names.get(bits) ?? []), name]);
  const [[most], ...others] = [...names].sort(([, a], [, b]) => b.length - a.length);
  const exceptions = others.map(([bits, of]) => `${listed(of)} ${bits === FULL_BITS ? "FP32" : `${bits}-bit`}`);
  return [howPacked(most), ...exceptions].join("; ");
}
