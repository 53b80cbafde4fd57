/**
 * What the address calls a lesson, and the step that is open: "levels", "levels.2" for one that comes with the page, and for
 * one of somebody's own where its file lies, "https://example.org/mine.json", "mine.json#2". Pure functions.
 *
 * @typedef {object} Place
 * @property {string} [id] of a lesson that comes with the page
 * @property {string} [address] of a file: https, or a path beside the page
 * @property {number} step from 1
 */

const LISTED = /^([a-z0-9-]+)(?:\.([1-9][0-9]?))?$/;
const FILE = /^(https:\/\/[^\s#]+|(?!\/\/)[^\s#:?\\]+\.json)(?:#([1-9][0-9]?))?$/;

/** @param {string} text @returns {Place|null} null: no place */
export function placeOf(text) {
  const [, id, at = 1] = LISTED.exec(text) ?? [];
  if (id) return { id, step: Number(at) };
  const [, address, step = 1] = FILE.exec(text) ?? [];
  // A name and a password in an address would be sent.
  if (!address || (address.startsWith("https:") && (!URL.canParse(address) || new URL(address).username !== ""))) return null;
  return { address, step: Number(step) };
}

/** @param {Place} place */
export const placeText = ({ id, address, step }) => (id ? `${id}.${step}` : `${address}#${step}`);
