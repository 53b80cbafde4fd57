/**
 * Draws what has changed, at most once an animation frame, and each drawing not oftener than it asks for: the
 * page shares the cores with the training. A hidden tab gets no frames and draws nothing.
 */

const drawings = new Map();
let asked = false;

function frame(now) {
  asked = false;
  for (const drawing of drawings.values()) {
    if (!drawing.dirty) continue;
    if (now - drawing.drawnAt < drawing.interval) {
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
  drawings.set(draw, entry);
  return () => {
    entry.dirty = true;
    ask();
  };
}
