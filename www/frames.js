/**
 * Draws what has changed, each drawing not oftener than it asks for: the page shares the cores with the training. What
 * changes all the time is drawn on a common beat, since a frame costs about as much layout and painting for one drawing as
 * for all. A hidden tab gets no frames and draws nothing.
 */

/** A frame's share of drawing: what does not fit waits for the next one, the longest waiting first. */
const BUDGET_MS = 8;
/** Between two frames for drawings that have an interval. */
const BEAT_MS = 64;
/** A frame's time is when it began, which may be a little before a timer that asked for it. */
const EARLY_MS = 8;

const drawings = [];
let beatAt = -Infinity;
let asked = false;
let timer = 0;

/** When a drawing may be drawn, by the clock of frames. */
const dueAt = ({ interval, drawnAt }) => (interval > 0 ? Math.max(drawnAt + interval, beatAt + BEAT_MS) : -Infinity);

function frame(now) {
  asked = false;
  // A busy machine calls late: the budget counts from here, not from the frame's time.
  const end = performance.now() + BUDGET_MS;
  const due = drawings.filter((drawing) => drawing.dirty && now + EARLY_MS >= dueAt(drawing));
  due.sort((a, b) => a.drawnAt - b.drawnAt);
  let left = due.length;
  for (const drawing of due) {
    drawing.dirty = false;
    drawing.drawnAt = now;
    drawing.draw();
    left -= 1;
    if (performance.now() > end) break;
  }
  // A beat ends when all that was due for it is drawn.
  if (left === 0 && due.some(({ interval }) => interval > 0)) beatAt = now;
  ask();
}

/** Whether everything on the page shows what it should. */
export const idle = () => drawings.every((drawing) => !drawing.dirty);

/** Asks for the frame in which the next drawing is due, if any is dirty. */
function ask() {
  if (asked || idle()) return;
  const next = Math.min(...drawings.filter(({ dirty }) => dirty).map(dueAt));
  const wait = next - performance.now();
  clearTimeout(timer);
  if (wait > 0) {
    timer = setTimeout(ask, wait);
    return;
  }
  asked = true;
  requestAnimationFrame(frame);
}

/**
 * Registers a drawing.
 * @param {() => void} draw
 * @param {number} interval milliseconds between two drawings, at least; 0: in the next frame, for what somebody does
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
