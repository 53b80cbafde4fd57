/**
 * How much of the page is shown, by its address: `?embed` leaves a page's frame away, so that it fits into another
 * one, and `show=accuracy,weights` names the parts that are shown, in their order. No DOM here.
 */
import { EMBEDDED, PARTS } from "./parts.js";
import { roomOf, ROOMS } from "./rooms.js";
import { defaults, toQuery } from "./settings.js";

/**
 * The parts that an address asks for; null: it asks for a room.
 * @param {import("./settings.js").Settings} settings
 * @returns {string[]|null}
 */
export function partsOf({ embed, show }) {
  if (show !== "") return show.split(",").filter((name) => name in PARTS);
  return embed ? [...EMBEDDED] : null;
}

/** Address of the whole page with the same settings, for the link that an embedded page carries: where its parts are. */
export function wholePage(settings) {
  const { embed, show } = defaults();
  const rooms = (partsOf(settings) ?? []).map((part) => roomOf(part)?.name);
  const [room = ROOMS[0].name] = rooms.includes(ROOMS[0].name) ? [ROOMS[0].name] : rooms.filter(Boolean);
  return toQuery({ ...settings, embed, show, room });
}
