/** What people type into a number's field, as the address would have it. Pure functions. */

/** Ten thousand: 10,000, 10.000, 10 000. No whole number has a fraction, so its point can only part thousands. */
const GROUPED = /^\d{1,3}([.,'\s]\d{3})+$/;

/**
 * @param {{kind: string}} setting
 * @param {string} text
 */
export function typed({ kind }, text) {
  const bare = text.trim().replace("−", "-");
  if (kind !== "number") return GROUPED.test(bare) ? bare.replace(/\D/g, "") : bare;
  // A single comma and no point: it is the point.
  return bare.replace(/^([^.,]*),([^.,]*)$/, "$1.$2");
}

/** "conv1: 8; linear2:8" -> ["conv1:8", "linear2:8"]: layers are parted by commas, semicolons or spaces. */
export const typedLayers = (text) =>
  text
    .replace(/\s*[:=]\s*/g, ":")
    .split(/[,;\s]+/)
    .filter(Boolean);
