/** What this page keeps on the device: itself, for use without a network, and the data sets loaded here. */
import { megabytes } from "../format.js";
import { drawing } from "../frames.js";
import { offerInstall } from "../install.js";

const MARKUP = `
  <h2 id="device-title">On this device</h2>
  <p class="device-page"><span id="device-page">This page needs the network.</span> <button type="button" class="small" id="install" hidden>Install</button></p>
  <ul class="kept" id="kept"></ul>
  <p class="device-note" id="kept-note"></p>`;

const EMPTY = "Data sets that you load are kept here, so that the next visit has them at once. Nothing is sent anywhere.";
const FRAMED = "Within another page nothing is kept.";

function button(label, about, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "small";
  made.textContent = label;
  made.setAttribute("aria-label", about);
  made.addEventListener("click", act);
  return made;
}

/** One kept set: name, size, and what can be done with it. */
function row(session, set, loaded) {
  const item = document.createElement("li");
  const name = document.createElement("strong");
  name.textContent = set.name;
  const size = document.createElement("span");
  size.textContent = `${(set.train + set.test).toLocaleString("en")} images, ${set.bytes < 1e6 ? "under 1 MB" : megabytes(set.bytes)}`;
  item.append(name, size);
  if (!loaded) item.append(button("Use", `Use ${set.name}`, () => session.loadFrom(() => session.store.source(set))));
  item.append(button("Forget", `Forget ${set.name}: delete it from this device`, () => session.store.forget(set.id)));
  return item;
}

/** @type {import("../rooms.js").Part["mount"]} */
export function mount(root, session) {
  root.innerHTML = MARKUP;
  const part = (id) => root.querySelector(`#${id}`);
  offerInstall(part("install"));
  const draw = drawing(() => {
    const { sets, writing, problem } = session.store;
    const { fingerprint } = session.loaded?.info ?? {};
    // A rebuilt list would take the focus from its buttons.
    const text = JSON.stringify([sets.map(({ id }) => id), fingerprint]);
    const list = part("kept");
    if (list.dataset.shown !== text) {
      const focused = list.contains(document.activeElement);
      list.dataset.shown = text;
      list.replaceChildren(...sets.map((set) => row(session, set, set.fingerprint === fingerprint)));
      if (focused) (list.querySelector("button") ?? part("device-title")).focus();
    }
    const empty = session.settings.embed ? FRAMED : EMPTY;
    const note = problem ?? (writing ? `Keeping ${writing}…` : sets.length === 0 ? empty : "");
    part("kept-note").textContent = note;
  });
  part("device-title").tabIndex = -1;
  draw();
  session.on(["kept", "data", "run"], draw);
  session.on("offline", () => {
    if (!session.offline) return;
    const { version, error } = session.offline;
    part("device-page").textContent = version ? "This page works without a network." : `This page needs the network: ${error}.`;
    part("device-page").dataset.version = version ?? "";
  });
}
