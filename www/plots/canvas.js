/** What plots on a canvas of their own share. */

export const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

/**
 * The canvas's context, cleared, at the device's resolution (at most twice the CSS pixels).
 * @param {HTMLCanvasElement} canvas
 * @returns {{context: CanvasRenderingContext2D, wide: number, high: number}|null} sizes in CSS pixels; null: not shown
 */
export function prepare(canvas) {
  const ratio = Math.min(2, devicePixelRatio || 1);
  const [wide, high] = [canvas.clientWidth, canvas.clientHeight];
  if (wide === 0 || high === 0) return null;
  if (canvas.width !== Math.round(wide * ratio) || canvas.height !== Math.round(high * ratio)) {
    canvas.width = Math.round(wide * ratio);
    canvas.height = Math.round(high * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, wide, high);
  return { context, wide, high };
}
