/** Runs kept on this device: opened, gone on with, copied, renamed, downloaded, removed; and runs in files. */
import { besides } from "../difference.js";
import { bytes, percent } from "../format.js";
import { drawing } from "../frames.js";
import { settingsOf } from "../kept/header.js";
import { isFinished, MORE_EPOCHS } from "../kept/keeping.js";
import { heldAnywhere, lockOf } from "../kept/locks.js";
import { SWEEP } from "../keys.js";
import { save } from "../share/save.js";

const MARKUP = `
  <header>
    <h2 id="runs-title" tabindex="-1">Runs</h2>
    <p class="panel-about">Whatever trains here is kept on this device, so that closing the tab loses nothing.</p>
  </header>
  <ul class="runs-list" id="runs-list" aria-label="Kept runs"></ul>
  <p class="runs-note" id="runs-note"></p>
  <div class="runs-tools">
    <button type="button" class="small" id="runs-open">Open a file…</button>
    <button type="button" class="small" id="runs-download">Download this run</button>
    <button type="button" class="small quiet" id="runs-forget">Forget all…</button>
    <input type="file" id="runs-file" accept=".safetensors" hidden aria-label="A saved run">
  </div>`;

const DATE = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

function button(label, about, act, name) {
  const made = document.createElement("button");
  Object.assign(made, { type: "button", className: "small", textContent: label });
  made.dataset.act = name;
  made.setAttribute("aria-label", about);
  made.addEventListener("click", act);
  return made;
}

function text(tag, className, words) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = words;
  return made;
}

/** What a run has reached, in a few figures. */
function reached({ about: { epochs, settings, step } }) {
  const last = epochs.at(-1);
  if (!last) return `${step} steps of epoch 1`;
  const test = percent(last.average?.testAccuracy ?? last.testAccuracy);
  return `epoch ${epochs.length} of ${settings.epochs} · test ${test}`;
}

class Runs {
  constructor(root, session) {
    root.innerHTML = MARKUP;
    this.root = root;
    this.session = session;
    /** Key of the run that is being renamed, or null. */
    this.renaming = null;
    /** Key of the run whose every button is shown, or null. */
    this.unfolded = null;
    this.redraw = drawing(() => this.#draw(), 200);
    const part = (id) => root.querySelector(`#${id}`);
    Object.assign(this, { list: part("runs-list"), note: part("runs-note") });
    const file = part("runs-file");
    part("runs-open").addEventListener("click", () => file.click());
    file.addEventListener("change", () => {
      const [chosen] = file.files;
      file.value = ""; // so that choosing the same again is a change
      if (chosen) session.keeping.openFile(chosen);
    });
    part("runs-download").addEventListener("click", () => session.keeping.download(session.run));
    part("runs-forget").addEventListener("click", () => this.#forgetAll());
    session.on(["keptRuns", "run", "status"], this.redraw);
    this.redraw();
  }

  #row(kept, others) {
    const { keeping, runs } = this.session;
    const { key, about } = kept;
    const here = runs.some((run) => run.key === key);
    const title = keeping.title(kept);
    const { settings } = settingsOf(about);
    const item = document.createElement("li");
    item.dataset.key = key;
    if (here) item.setAttribute("aria-current", "true");
    const name = text("strong", "", title);
    const facts = [reached(kept), bytes(kept.bytes), DATE.format(kept.at)];
    const about2 = [about.data.name, ...(kept.name ? [`seed ${settings.seed}`] : []), ...besides(settings)].join(" · ");
    const elsewhere = !here && others.has(lockOf(key)) && !keeping.holds(key);
    const state = here ? "here" : elsewhere ? "in another tab" : kept.lasting ? "" : "until this page is closed";
    const buttons = document.createElement("span");
    buttons.className = "runs-buttons";
    if (this.renaming === key) buttons.append(...this.#renamer(kept, title));
    else buttons.append(...this.#buttons(kept, title, here, elsewhere));
    item.append(name, text("span", "runs-state", state), text("span", "runs-facts", facts.join(" · ")), text("span", "runs-about", about2), buttons);
    return item;
  }

  /** What is done most, and, unfolded, everything else: the keyboard passes few buttons a run. */
  #buttons(kept, title, here, elsewhere) {
    const { keeping } = this.session;
    const finished = isFinished(kept);
    const further = Number(kept.about.settings.epochs) + MORE_EPOCHS;
    const open = button("Open", `Open ${title}`, () => keeping.open(kept), "open");
    const takeOver = button("Take over", `Take over ${title}`, () => keeping.open(kept), "open");
    const goOn = button("Go on", `Go on with ${title}`, () => keeping.open(kept, { play: true }), "go-on");
    const unfold = button("More", `More of ${title}`, () => this.#unfold(kept.key), "unfold");
    const unfolded = this.unfolded === kept.key;
    unfold.setAttribute("aria-expanded", String(unfolded));
    const first = [!here && (elsewhere ? takeOver : finished ? open : goOn), unfold];
    const others = [
      !here && !elsewhere && !finished && open,
      !here && !elsewhere && finished && button(`${MORE_EPOCHS} epochs more`, `${MORE_EPOCHS} epochs more of ${title}`, () => keeping.open(kept, { epochs: further, play: true }), "more"),
      button("Copy", `Copy ${title}: the copy goes on as a run of its own`, () => keeping.open(kept, { copy: true }), "copy"),
      button("Rename", `Rename ${title}`, () => this.#rename(kept.key), "rename"),
      button("Download", `Download ${title}`, () => save(kept.files[0], keeping.fileName(kept)), "download"),
      !here && !elsewhere && button("Remove", `Remove ${title}`, () => this.#remove(kept, title), "remove"),
    ];
    return [...first, ...(unfolded ? others : [])].filter(Boolean);
  }

  #renamer({ key }, title) {
    const field = document.createElement("input");
    Object.assign(field, { type: "text", value: title, maxLength: 80, className: "runs-name" });
    field.setAttribute("aria-label", `Name of ${title}`);
    const done = async (name) => {
      this.renaming = null;
      if (name) await this.session.keeping.list.rename(key, name).catch((error) => this.session.notify("error", error.message));
      await this.#draw(true);
      this.#focus(key, "rename");
    };
    field.addEventListener("keydown", ({ key: pressed }) => {
      if (pressed === "Enter") done(field.value.trim());
      if (pressed === "Escape") done("");
    });
    return [field, button("Save", `Save the name of ${title}`, () => done(field.value.trim()), "save-name"), button("Cancel", "Cancel: keep the name", () => done(""), "cancel")];
  }

  #unfold(key) {
    this.unfolded = this.unfolded === key ? null : key;
    this.#draw(true);
  }

  /** Puts the focus on a button of a kept run, or else on another one of it, or on the heading. */
  #focus(key, name) {
    const row = this.list.querySelector(`[data-key="${key}"]`);
    const found = row?.querySelector(`[data-act="${name}"]`) ?? row?.querySelector("button") ?? this.root.querySelector("#runs-title");
    found.focus({ preventScroll: true });
  }

  async #rename(key) {
    this.renaming = key;
    await this.#draw(true);
    this.list.querySelector(".runs-name")?.select();
  }

  async #remove({ key }, title) {
    const { keeping, notify } = this.session;
    try {
      await keeping.list.remove(key);
      const undo = () => keeping.list.bringBack(key).catch((error) => notify("error", `"${title}" is gone: ${error.message}`));
      notify("info", `"${title}" is removed.`, { label: "Undo", act: undo });
    } catch (error) {
      notify("error", `"${title}" could not be removed: ${error.message}`);
    }
    await this.#draw(true);
    (this.list.querySelector("button") ?? this.root.querySelector("#runs-title")).focus();
  }

  #forgetAll() {
    const { session } = this;
    const { list } = session.keeping;
    const { sets } = session.store;
    const counted = (count, one) => `${count} ${one}${count === 1 ? "" : "s"}`;
    const what = [counted(list.runs.length, "run"), counted(sets.length, "data set")].join(" and ");
    session.notify("error", `Delete ${what} from this device? That cannot be undone. What is open goes once its page is closed.`, {
      label: "Delete them all",
      act: async () => {
        await list.forgetAll();
        for (const { id } of [...sets]) await session.store.forget(id);
        localStorage.removeItem(SWEEP);
        session.notify("info", "This device keeps nothing of it any more, but for what is open, as long as that is.");
      },
    });
  }

  async #draw(anew = false) {
    const { session, list } = this;
    const turn = (this.turn = {});
    const others = await heldAnywhere();
    // Another one was begun meanwhile.
    if (this.turn !== turn && !anew) return;
    const { keeping, run } = session;
    const { runs, problem } = keeping.list;
    this.root.querySelector("#runs-download").disabled = !run?.trained || run.status === "lost";
    this.root.querySelector("#runs-forget").hidden = runs.length + session.store.sets.length === 0;
    // A rebuilt list would take the focus from its buttons, and a name from its field.
    const mark = JSON.stringify([this.renaming, runs.map((kept) => [kept.key, kept.name, kept.at, others.has(lockOf(kept.key))]), session.runs.map(({ key }) => key)]);
    if (list.dataset.shown !== mark || anew) {
      if (this.renaming && !anew && runs.some(({ key }) => key === this.renaming)) return;
      list.dataset.shown = mark;
      const focused = list.contains(document.activeElement) && document.activeElement.dataset.act;
      const at = focused && document.activeElement.closest("li").dataset.key;
      list.replaceChildren(...runs.map((kept) => this.#row(kept, others)));
      if (focused) this.#focus(at, focused);
    }
    this.note.textContent = await this.#state(runs, problem);
  }

  async #state(runs, problem) {
    if (this.session.settings.embed) return "Within another page nothing is kept.";
    if (problem) return `This browser keeps no runs: ${problem}. Download the file of a run to have it at another visit.`;
    if (runs.length === 0) return "None yet: a run is here from its first step on.";
    const { usage, quota } = (await navigator.storage?.estimate?.()) ?? {};
    return usage ? `This page takes ${bytes(usage)} of the ${bytes(quota)} that the browser lets it have.` : "";
  }
}

/** @type {import("../rooms.js").Part["mount"]} */
export const mount = (root, session) => void new Runs(root, session);
