/**
 * Draws what has changed, at most once an animation frame, and each drawing not oftener than it asks for: the
 * page shares the cores with the training. A hidden tab gets no frames and draws nothing.
 */

/** A frame's share of drawing: what does not fit waits for the next one, the longest waiting first. */
const BUDGET_MS = 8;

const drawings = [];
let asked = false;

function frame(now) {
  asked = false;
  // A busy machine calls late: the budget counts from here, not from the frame's time.
  const end = performance.now() + BUDGET_MS;
  const due = drawings.filter((drawing) => drawing.dirty && now - drawing.drawnAt >= drawing.interval);
  due.sort((a, b) => a.drawnAt - b.drawnAt);
  for (const drawing of due) {
    drawing.dirty = false;
    drawing.drawnAt = now;
    drawing.draw();
    if (performance.now() > end) break;
  }
  if (!idle()) ask();
}

/** Whether everything on the page shows what it should. */
export const idle = () => drawings.every((drawing) => !drawing.dirty);

function ask() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(frame);
}

/**
 * Registers a drawing.
 * @param {() => void} draw
 * @param {number} interval milliseconds between two drawings, at least
 * @returns {() => void} call it when what is drawn has changed
 */
export function drawing(draw, interval = 0) {
  const entry = { draw, interval, drawnAt: -Infinity, dirty: false };
  drawings.push(entry);
  return () => {
    entry.dirty = true;
    ask();
  };
}
