/**
 * Any picture as 32 x 32 pixels: its middle square, over white, halved until it is nearly there. A canvas's own
 * resizing looks at a few neighbouring pixels only, and from a large photograph would pick points instead of areas.
 */

export const SIDE = 32;

const canvasOf = (side) => {
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  return { canvas, context };
};

/**
 * @param {CanvasImageSource & {width: number, height: number}} picture decoded, the right way up
 * @returns {Uint8ClampedArray} RGBA, opaque
 */
export function square(picture) {
  const { width, height } = picture;
  const least = Math.min(width, height);
  // The largest power of two times 32 that the picture fills; a smaller picture is enlarged.
  let side = SIDE;
  while (side * 2 <= least) side *= 2;
  let { canvas, context } = canvasOf(side);
  context.fillStyle = "#fff";
  context.fillRect(0, 0, side, side);
  context.drawImage(picture, (width - least) / 2, (height - least) / 2, least, least, 0, 0, side, side);
  while (side > SIDE) {
    side /= 2;
    const half = canvasOf(side);
    half.context.drawImage(canvas, 0, 0, side, side);
    ({ canvas, context } = half);
  }
  return context.getImageData(0, 0, SIDE, SIDE).data;
}
