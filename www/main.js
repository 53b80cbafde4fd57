/** Wires the page: features -> session -> the bar, the rooms and what they show. Everything heavy is in the worker. */
import { detect, obstacle } from "./features.js";
import { keepFirstFilters } from "./firstfilters.js";
import { drawing } from "./frames.js";
import { tellHeight } from "./height.js";
import "./install.js";
import { isolate } from "./isolation.js";
import { keepOffline } from "./offline.js";
import { sweepIsLeft } from "./keys.js";
import { PARTS } from "./parts.js";
import { roomOf } from "./rooms.js";
import { Session } from "./session.js";
import { fromQuery } from "./settings.js";
import { taking } from "./taking.js";
import { speak } from "./ui/a11y.js";
import { drawSpark, showBar, wireBar } from "./ui/bar.js";
import { wireDrop } from "./ui/drop.js";
import { notify } from "./ui/notices.js";
import { showPending, wirePending } from "./ui/pending.js";
import { Places } from "./ui/places.js";
import { wireTabs } from "./ui/tabs.js";
import { wireTerms } from "./ui/term.js";
import { partsOf, wholePage } from "./view.js";

const at = (id) => document.getElementById(id);

/** What each event of the session makes the page's frame do; the parts have their own. */
function wireFrame(session) {
  const drawBar = drawing(() => showBar(session), 60);
  const drawLine = drawing(() => drawSpark(session), 500);
  const drawStrip = drawing(() => {
    showPending(session);
    document.body.classList.toggle("paired", session.paired);
    at("whole-page").href = wholePage(session.settings);
  });
  session.on(["engine", "run", "status", "steps", "epoch", "loading"], drawBar);
  session.on(["run", "epoch"], drawLine);
  session.on(["settings", "engine", "run", "status"], drawStrip);
  session.on("steps", () => speak(session));
  session.on("status", () => session.run && !session.playing && speak(session, true));
  session.on("run", () => keepFirstFilters(session));
  new ResizeObserver(drawLine).observe(at("spark"));
  wireBar(session);
  wirePending(session);
  wireDrop(taking(session), notify, (progress) => session.progress(progress));
  wireTerms();
  drawStrip();
  showBar(session);
}

/** The lessons, which are loaded once the address or the button asks for them. */
async function offerLessons(session, places) {
  const wait = () => at("lessons-button").addEventListener("click", open, { once: true });
  const mount = () =>
    import("./panels/lessons.js").then(({ mountLessons }) => mountLessons(at("lessons"), session, places)).catch((error) => {
      // Most browsers remember what they could not import.
      notify("error", `The lessons could not be loaded: ${error.message}. Reload the page to try again.`);
      wait();
    });
  async function open() {
    const lessons = await mount();
    await lessons?.loaded;
    lessons?.open();
  }
  if (session.settings.lesson) await mount();
  else wait();
}

/** The rooms, by tabs and by what the address asks for. */
async function furnish(session) {
  const places = new Places(session, at("main"));
  const enter = async (room, part) => {
    // Back leads from room to room.
    if (room !== places.room) history.pushState(null, "");
    session.look({ room, show: "" });
    scrollTo(0, 0);
    await places.open(room, part);
    if (part) document.querySelector(PARTS[part]).scrollIntoView({ block: "nearest" });
  };
  addEventListener("popstate", () => {
    const { room, show } = fromQuery(location.search).settings;
    const before = session.settings;
    // What else the address said was so then: it says again what is so now.
    session.look({ room, show });
    // A jump within the page, as to its main part, is no other room.
    if (room !== before.room || show !== before.show) open();
  });
  wireTabs(places, enter);
  // Buttons that lead to a part name it, and perhaps what they press there.
  document.addEventListener("click", async ({ target }) => {
    const leading = target.closest("[data-part-wanted]");
    if (!leading) return;
    const { partWanted, press } = leading.dataset;
    await enter(roomOf(partWanted).name, partWanted);
    // One thing is done in one place.
    if (press) document.querySelector(press)?.click();
  });
  places.listen(() => {
    if (places.room) session.look({ room: places.room });
    // Set anew: under another room it has not moved, it is another place.
    at("main").after(document.querySelector("footer"));
  });
  const { settings } = session;
  document.body.classList.toggle("embed", settings.embed);
  if (settings.embed) tellHeight();
  await offerLessons(session, places);
  const open = () => {
    const parts = partsOf(session.settings);
    return parts ? places.stage(parts) : places.open(session.settings.room);
  };
  await open();
  // What an earlier visit has left goes on wherever one is.
  if (sweepIsLeft(settings)) {
    const { name } = roomOf("sweep");
    // It is what somebody comes back for.
    if (places.room === name) await places.reveal("sweep");
    else places.prepare(name);
  }
  return places;
}

/** The page without an engine: says why, and lets nothing be pressed in vain. */
function showObstacle(reason) {
  at("obstacle").textContent = reason;
  at("obstacle").hidden = false;
  document.body.dataset.status = "unable";
  for (const button of document.querySelectorAll(".transport button:not(.share-button)")) button.disabled = true;
}

const reason = obstacle(detect());
const session = new Session(detect(), notify);
/** For the console and for tests: what the page knows. */
globalThis.nibble = session;
wireFrame(session);
await furnish(session);

if (reason) {
  showObstacle(reason);
} else {
  const { embed } = session.settings;
  // A frame is small, and on one thread by nature: the engine's line says so.
  const lost = embed ? null : await isolate();
  if (lost) notify("info", lost);
  await session.start();
  // A frame of another page keeps nothing; and only once the first run is there does it take a turn.
  if (!embed) {
    // At once: all that is kept for offline use may take its time.
    await session.keeping.offer();
    session.isOffline(await keepOffline());
  }
}
