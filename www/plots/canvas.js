/** A canvas at the device's resolution, drawn on in CSS pixels. */

/** More than this is not seen, and costs time. */
const FINEST = 2;

/**
 * Clears a canvas, its bitmap as large as it is shown.
 * @param {HTMLCanvasElement} canvas
 * @returns {{context: CanvasRenderingContext2D, wide: number, high: number}|null} null: it is not shown now
 */
export function surface(canvas) {
  const ratio = Math.min(FINEST, devicePixelRatio || 1);
  const [wide, high] = [canvas.clientWidth, canvas.clientHeight];
  if (wide === 0 || high === 0) return null;
  const [across, down] = [Math.round(wide * ratio), Math.round(high * ratio)];
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, wide, high);
  return { context, wide, high };
}
