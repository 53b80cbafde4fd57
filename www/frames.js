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
  const due = drawings.filter((drawing) => drawing.dirty);
  due.sort((a, b) => a.drawnAt - b.drawnAt);
  for (const drawing of due) {
    if (now - drawing.drawnAt < drawing.interval || performance.now() - now > BUDGET_MS) {
      ask();
      continue;
    }
    drawing.dirty = false;
    drawing.drawnAt = now;
    drawing.draw();
  }
}

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
