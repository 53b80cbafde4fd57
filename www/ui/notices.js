/** Messages to the user, stacked over the page's lower edge so that nothing in it moves. */

const box = document.getElementById("notices");
/** Good news goes by itself; errors wait to be read. */
const INFO_MS = 12_000;
/** Older ones make room, those first that offer nothing to do. */
const MOST = 4;
/** Characters of a message that are shown: what it quotes may be a whole file. */
const LONGEST = 1500;

// The page ends above them: what they cover can be scrolled to.
new ResizeObserver(() => document.body.style.setProperty("--messages", `${box.offsetHeight}px`)).observe(box);

/** What had the keyboard's focus before a message took it. */
let before = null;
box.addEventListener("focusin", ({ relatedTarget }) => {
  if (!box.contains(relatedTarget)) before = relatedTarget;
});

/** Takes a message away; the focus goes back to where it came from. */
function remove(notice) {
  const focused = notice.contains(document.activeElement);
  notice.remove();
  if (focused) before?.focus({ preventScroll: true });
}

/**
 * @param {"error"|"info"} kind
 * @param {string} text
 * @param {{label: string, act: () => void}|{label: string, act: () => void}[]} [action] what to do about it
 * @returns {() => void} takes the message away
 */
export function notify(kind, text, action = []) {
  const actions = [action].flat();
  const notice = document.createElement("div");
  notice.className = `notice notice-${kind}`;
  notice.setAttribute("role", kind === "error" ? "alert" : "status");
  const words = document.createElement("p");
  words.textContent = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "close";
  close.setAttribute("aria-label", "Dismiss");
  close.textContent = "×";
  close.addEventListener("click", () => remove(notice));
  notice.append(words, close);
  if (actions.length > 0) {
    const buttons = document.createElement("span");
    buttons.className = "notice-actions";
    for (const { label, act } of actions) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "small";
      button.textContent = label;
      button.addEventListener("click", () => {
        remove(notice);
        act();
      });
      buttons.append(button);
    }
    words.after(buttons);
  }
  for (const same of box.querySelectorAll(".notice")) {
    if (same.querySelector("p").textContent === words.textContent) remove(same);
  }
  box.append(notice);
  // A long one scrolls within itself, so that its buttons stay in sight: the keyboard has to reach it.
  if (words.scrollHeight > words.clientHeight + 1) words.tabIndex = 0;
  while (box.children.length > MOST) remove(box.querySelector(":scope > .notice:not(:has(.notice-actions), :last-child)") ?? box.firstElementChild);
  box.scrollTop = box.scrollHeight; // where not all fit, the newest is in sight
  if (kind === "info" && actions.length === 0) setTimeout(() => remove(notice), INFO_MS);
  return () => remove(notice);
}
