/** Numbers and tables as the benches print them. */

export const round = (value, digits = 2) => Number(value.toFixed(digits));

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * A table of Markdown whose columns line up in a terminal as well.
 * @param {string[]} header
 * @param {(string | number)[][]} rows numbers are set to the right
 */
export function table(header, rows) {
  const right = header.map((_, i) => rows.some((row) => typeof row[i] === "number"));
  const text = [header, ...rows].map((row) => row.map(String));
  const widths = header.map((_, i) => Math.max(3, ...text.map((row) => row[i].length)));
  const line = (cells) => `| ${cells.map((cell, i) => (right[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join(" | ")} |`;
  const rule = widths.map((width, i) => (right[i] ? `${"-".repeat(width - 1)}:` : "-".repeat(width)));
  return [line(text[0]), line(rule), ...text.slice(1).map(line)].join("\n");
}
