/** Numbers as people read them. Every function returns "–" for what is not known. */

const NONE = "–";
const known = (value) => typeof value === "number" && Number.isFinite(value);

/** 0.8123 -> "81.2 %". */
export const percent = (share, digits = 1) => (known(share) ? `${(100 * share).toFixed(digits)} %` : NONE);

/** A share and what chance does to it: "83.1 ±1.6 %"; whole figures where chance leaves no more. @param {number} half of its interval */
export function estimate(share, half) {
  const digits = half < 0.1 ? 1 : 0;
  return `${(100 * share).toFixed(digits)} ±${percent(half, digits)}`;
}

/** Fixed digits after the point. */
export const fixed = (value, digits = 3) => (known(value) ? value.toFixed(digits) : NONE);

/** Grouped whole number: 3251018 -> "3,251,018". */
export const whole = (value) => (known(value) ? Math.round(value).toLocaleString("en") : NONE);

/** A learning rate or scale, three significant digits without a trailing row of zeros. */
export function short(value) {
  if (!known(value)) return NONE;
  if (value !== 0 && Math.abs(value) < 1e-4) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

/** Bytes -> "86 MB". */
export const megabytes = (bytes) => (known(bytes) ? `${Math.round(bytes / 1e6)} MB` : NONE);

/** Bytes -> "640 B", "36.6 KB", "1.63 MB": what is small is told exactly. */
export function bytes(count) {
  if (!known(count)) return NONE;
  if (count < 1000) return `${count} B`;
  const [size, unit] = count < 1e6 ? [count / 1e3, "KB"] : [count / 1e6, "MB"];
  return `${size < 100 ? size.toPrecision(3) : Math.round(size)} ${unit}`;
}

/** Seconds -> "42 s", "3 min 10 s", "2 h 5 min". */
export function duration(seconds) {
  if (!known(seconds)) return NONE;
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}
