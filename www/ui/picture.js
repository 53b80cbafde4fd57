/** Reads a picture file for the page. */

/**
 * @param {File} file
 * @returns {Promise<HTMLImageElement>} decoded, turned as its camera held it
 * @throws {Error} the browser cannot read it
 */
export async function readPicture(file) {
  const url = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    if (image.naturalWidth === 0 || image.naturalHeight === 0) throw new Error("no size");
    return image;
  } catch {
    throw new Error(`${file.name || "The picture"}: this browser cannot read it as a picture (${file.type || "of no known kind"}, ${file.size.toLocaleString("en")} bytes).`);
  } finally {
    URL.revokeObjectURL(url);
  }
}
