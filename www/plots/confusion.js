/**
 * What the two pictures of a confusion matrix share. The matrix is given as the engine counts it: `counts` holds
 * K x K numbers, the row is the true class, the column the predicted one.
 */
import { percent, whole } from "../format.js";
import { shade } from "./shade.js";

/** Square roots let single errors among a thousand images be seen. */
const strength = (share) => Math.sqrt(share);

export class Confusion {
  /**
   * @param {number[]} counts
   * @param {string[]} classes
   */
  constructor(counts, classes) {
    this.counts = counts;
    this.classes = classes;
    this.size = classes.length;
    this.totals = classes.map((_, row) => counts.slice(row * this.size, (row + 1) * this.size).reduce((a, b) => a + b, 0));
  }

  at(row, column) {
    return this.counts[row * this.size + column];
  }

  /** Share of the images of class `row` that were taken for `column`; NaN where the test has none of that class. */
  share(row, column) {
    return this.totals[row] > 0 ? this.at(row, column) / this.totals[row] : NaN;
  }

  /** Colour of a cell: right ones towards blue, errors towards orange. */
  shade(row, column) {
    return shade(row === column ? "--train" : "--test", strength(this.share(row, column) || 0));
  }

  /** One cell in words. */
  cellText(row, column) {
    if (this.totals[row] === 0) return `${this.classes[row]}: no test images`;
    const what = row === column ? `${this.classes[row]} recognised` : `${this.classes[row]} taken for ${this.classes[column]}`;
    return `${what}: ${whole(this.at(row, column))} of ${whole(this.totals[row])}, ${percent(this.share(row, column))}`;
  }

  /** The most frequent confusions, the most frequent first. @returns {{row: number, column: number, count: number}[]} */
  worst(count) {
    const cells = [];
    for (let row = 0; row < this.size; row++) {
      for (let column = 0; column < this.size; column++) {
        const here = this.at(row, column);
        if (row !== column && here > 0) cells.push({ row, column, count: here });
      }
    }
    return cells.sort((a, b) => b.count - a.count).slice(0, count);
  }

  /** The matrix in a sentence or two. */
  get text() {
    const right = this.classes.reduce((sum, _, i) => sum + this.at(i, i), 0);
    const all = this.totals.reduce((a, b) => a + b, 0);
    const worst = this.worst(3).map(({ row, column, count }) => `${this.classes[row]} taken for ${this.classes[column]} (${count})`);
    const confused = worst.length > 0 ? ` Most confused: ${worst.join(", ")}.` : "";
    return `${whole(right)} of ${whole(all)} test images right, ${percent(right / all)}.${confused}`;
  }
}

/** Where an arrow key leads in a square of `size`; null: it is another key. */
export function moved({ key, ctrlKey, metaKey }, [row, column], size) {
  const last = size - 1;
  const far = ctrlKey || metaKey;
  const to = {
    ArrowUp: [row - 1, column],
    ArrowDown: [row + 1, column],
    ArrowLeft: [row, column - 1],
    ArrowRight: [row, column + 1],
    Home: far ? [0, 0] : [row, 0],
    End: far ? [last, last] : [row, last],
    PageUp: [0, column],
    PageDown: [last, column],
  }[key];
  return to ? to.map((at) => Math.min(last, Math.max(0, at))) : null;
}
