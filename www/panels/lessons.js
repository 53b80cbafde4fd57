/** The side panel of the lessons: the list, and the step of the one that runs. */
import { drawing } from "../frames.js";
import { filled } from "../lesson/format.js";
import { fromAddress, fromFile, listed, loadDone, saveDone } from "../lesson/library.js";
import { LONGEST_NAME } from "../lesson/notebook.js";
import { placeOf, placeText } from "../lesson/place.js";
import { Runner } from "../lesson/runner.js";
import { element } from "../ui/dom.js";
import { Pointer } from "../ui/pointer.js";
import { Question } from "../ui/question.js";
import { Sheet } from "../ui/sheet.js";
import { partsOf } from "../view.js";

const MARKUP = `
  <button type="button" class="lessons-handle" id="lessons-handle"></button>
  <header class="lessons-head">
    <h2 id="lessons-title" tabindex="-1">Lessons</h2>
    <button type="button" class="small quiet" id="lessons-all" hidden>All lessons</button>
    <button type="button" class="close" id="lessons-close" aria-label="Close the lessons">×</button>
  </header>
  <div class="lessons-list" id="lessons-list">
    <p class="lessons-about"><span id="lessons-count">Short</span> experiments on the page itself. Each begins a fresh run.</p>
    <ol id="lessons-entries"></ol>
    <p class="lessons-own"><button type="button" class="small" id="lessons-open">Open a lesson file…</button> A lesson is one file; a teacher can write one.</p>
    <input type="file" id="lessons-file" accept=".json,application/json" hidden aria-label="Lesson file">
    <div class="lessons-wrong" id="lessons-wrong" role="alert" hidden></div>
  </div>
  <div class="lesson" id="lesson" hidden>
    <p class="lesson-place"><span id="lesson-name"></span> <span id="lesson-count"></span></p>
    <progress id="lesson-progress" max="1" value="0" aria-label="Steps of the lesson"></progress>
    <h3 id="lesson-step" tabindex="-1"></h3>
    <div class="lesson-text" id="lesson-text"></div>
    <form class="lesson-ask" id="lesson-ask" hidden></form>
    <div class="lesson-task" id="lesson-task">
      <p><span class="lesson-tick" aria-hidden="true"></span> <span id="lesson-do"></span></p>
      <div class="lesson-tools">
        <button type="button" class="small" id="lesson-show">Show me where</button>
        <button type="button" class="small quiet" id="lesson-help">Do it for me</button>
      </div>
    </div>
    <div class="lesson-text lesson-then" id="lesson-then"></div>
    <div class="lesson-kept" id="lesson-kept" tabindex="0" role="group" aria-label="Kept results" hidden></div>
    <div class="lesson-hand-in" id="lesson-hand-in" hidden>
      <p>The report has the run, the kept results and your answers: one file, saved on this device.</p>
      <label for="lesson-learner">Your name, if you like</label>
      <input type="text" id="lesson-learner" maxlength="${LONGEST_NAME}" autocomplete="off">
      <button type="button" class="small" id="lesson-report">Save the report</button>
    </div>
    <div class="lesson-moves">
      <button type="button" class="small" id="lesson-back">Back</button>
      <button type="button" class="small primary" id="lesson-next">Next</button>
    </div>
  </div>
  <p class="visually-hidden" role="status" id="lesson-said"></p>`;

class Lessons {
  #lessons = [];
  /**
   * Of somebody's own, by their address, or else their id: the latest of each.
   * @type {Map<string, {lesson: import("../lesson/format.js").Lesson, from: string, address?: string}>}
   */
  #own = new Map();
  #done = loadDone();
  #pointer;
  /** The address is read once, when there are both lessons and a run; no more once a lesson is open. */
  #addressRead = false;
  /** What it named when the page was opened. */
  #named = [...new URLSearchParams(location.search).keys()];
  #opener = document.getElementById("lessons-button");
  /** In a frame, which has no list of lessons: the opener is another one, in sight while it is needed. */
  #framed = false;

  constructor(root, session, places) {
    root.innerHTML = MARKUP;
    this.root = root;
    this.places = places;
    this.#pointer = new Pointer(places);
    this.session = session;
    this.#framed = session.settings.embed && session.settings.lesson !== "";
    if (this.#framed) this.#moveOpener();
    this.runner = new Runner(session, (what) => this.#tell(what), (button) => this.#pointer.reveal(`button.${button}`));
    this.question = new Question(this.part("lesson-ask"), (answer) => this.runner.answer(answer));
    this.redraw = drawing(() => this.#draw(), 100);
    this.sheet = new Sheet(root, this.part("lessons-handle"), () => this.#pointer.scroll());
    const on = (id, act) => this.part(id).addEventListener("click", act);
    this.#opener.addEventListener("click", () => (this.root.hidden ? this.open() : this.close()));
    on("lessons-close", () => this.close());
    on("lessons-all", () => this.#list());
    on("lessons-open", () => this.part("lessons-file").click());
    on("lesson-show", () => this.#showWhere());
    on("lesson-help", () => this.runner.help());
    on("lesson-back", () => this.runner.go(this.runner.at - 1));
    on("lesson-next", () => this.#next());
    on("lesson-report", () => this.#saveReport());
    this.part("lesson-learner").addEventListener("input", ({ target }) => (session.notebook.name = target.value));
    root.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
    this.part("lessons-file").addEventListener("change", (event) => this.#openFile(event.target));
    this.loaded = listed().then(
      (found) => this.#take(found),
      (error) => session.notify("error", `The lessons could not be read. ${error.message}`),
    );
    session.on("run", () => this.#fromAddress());
    session.onAny(() => {
      this.runner.look();
      this.redraw();
    });
    // A link to a lesson opens its panel before the first paint, so that nothing moves later.
    if (session.settings.lesson) this.#show(true);
  }

  part(id) {
    return this.root.querySelector(`#${id}`);
  }

  /** Into the bar that is always in sight. */
  #moveOpener() {
    this.#opener = this.#opener.cloneNode(true);
    this.#opener.id = "lessons-again";
    document.querySelector(".transport .buttons").append(this.#opener);
  }

  #show(open) {
    this.root.hidden = !open;
    this.session.keeping.trainedBy("lesson", open && this.runner.lesson !== null);
    document.body.classList.toggle("with-lessons", open);
    this.#opener.setAttribute("aria-expanded", String(open));
    this.#opener.hidden = this.#framed && open;
  }

  #take({ lessons, problems }) {
    this.#lessons = lessons;
    for (const problem of problems) this.session.notify("error", problem);
    this.#entries();
    this.#fromAddress();
  }

  /** The lesson and the step that the address names. What else it names goes before the lesson's settings. */
  async #fromAddress() {
    const { lesson } = this.session.settings;
    if (this.#addressRead || this.#lessons.length === 0 || !this.session.run) return;
    this.#addressRead = true;
    if (!lesson) return;
    const { id, address, step } = placeOf(lesson);
    const found = address ? await this.#fetch(address) : this.#lessons.find((one) => one.id === id);
    if (!found && !address) this.session.notify("error", `There is no lesson "${id}". There are ${this.#lessons.map((one) => one.id).join(", ")}.`);
    // Another one may have been opened while it was fetched.
    if (found && !this.runner.lesson) this.runner.resume(found, step - 1, [...this.#named, ...this.session.touched]);
  }

  async #fetch(address) {
    const { lesson, problems } = await fromAddress(address);
    this.#showProblems(address, problems);
    if (lesson) this.#takeOwn(address, { lesson, address, from: new URL(address, document.baseURI).host });
    return lesson;
  }

  #takeOwn(key, own) {
    this.#own.set(key, own);
    this.#entries();
  }

  /** What the address calls a step of a lesson; "": no address leads to one from a file. */
  #placeOf(lesson, at) {
    if (this.#lessons.includes(lesson)) return placeText({ id: lesson.id, step: at + 1 });
    const own = [...this.#own.values()].find((one) => one.lesson === lesson);
    return own?.address ? placeText({ address: own.address, step: at + 1 }) : "";
  }

  #entries() {
    this.part("lessons-count").textContent = `${this.#lessons.length} short`;
    const listed = this.#lessons.map((lesson) => ({ lesson }));
    const items = [...listed, ...this.#own.values()].map(({ lesson, from }) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.className = "lesson-entry";
      button.dataset.lesson = lesson.id;
      const title = document.createElement("strong");
      title.textContent = lesson.title;
      const about = document.createElement("span");
      about.textContent = lesson.about;
      const note = document.createElement("span");
      note.className = "lesson-note";
      const notes = [`${lesson.minutes} min`, from, this.#done.has(lesson.id) && "done"];
      note.textContent = notes.filter(Boolean).join(" · ");
      button.append(title, note, about);
      button.addEventListener("click", () => this.runner.begin(lesson));
      item.append(button);
      return item;
    });
    this.part("lessons-entries").replaceChildren(...items);
  }

  async #openFile(input) {
    const [file] = input.files;
    input.value = "";
    if (!file) return;
    const { lesson, problems } = await fromFile(file);
    this.#showProblems(file.name, problems);
    if (!lesson) return;
    this.#takeOwn(lesson.id, { lesson, from: "your file" });
    this.runner.begin(lesson);
  }

  /**
   * Everything that is wrong with a file, where its author looks: beside the button that opens it again.
   * @param {string} name
   * @param {string[]} problems none: what was wrong is over
   */
  #showProblems(name, problems) {
    const box = this.part("lessons-wrong");
    box.hidden = problems.length === 0;
    if (box.hidden) return;
    const title = problems.length === 1 ? `${name} does not open.` : `${name} does not open, for ${problems.length} reasons.`;
    const close = element("button", { type: "button", class: "close", "aria-label": "Dismiss" }, "×");
    close.addEventListener("click", () => {
      box.hidden = true;
      this.part("lessons-open").focus();
    });
    const list = element("ul", { tabindex: 0, "aria-label": "What is wrong" }, ...problems.map((problem) => element("li", {}, problem)));
    box.replaceChildren(element("header", {}, element("p", {}, title), close), list);
    box.scrollIntoView({ block: "nearest" });
  }

  open() {
    this.#show(true);
    this.redraw();
    this.part(this.runner.lesson ? "lesson-step" : "lessons-title").focus();
  }

  close() {
    this.#show(false);
    this.#opener.focus();
    this.#pointer.at(null);
    this.#address("");
    this.#leaveStage();
  }

  /** What a step has put together makes room for what was there before. */
  #leaveStage() {
    const { settings } = this.session;
    const parts = partsOf(settings);
    if (parts) this.places.stage(parts);
    else if (this.places.room === null) this.places.open(settings.room);
  }

  #list() {
    this.runner.end();
    this.#leaveStage();
    this.part("lessons-title").focus();
  }

  #showWhere() {
    // At its full height it covers what it speaks of.
    if (this.sheet.height === "full") this.sheet.height = "half";
    this.#pointer.focus();
  }

  #address(place) {
    this.session.look({ lesson: place });
  }

  #next() {
    const { lesson, at } = this.runner;
    if (at + 1 < lesson.steps.length) {
      this.runner.go(at + 1);
      return;
    }
    const following = this.#lessons[this.#lessons.indexOf(lesson) + 1];
    if (following && this.#lessons.includes(lesson)) this.runner.begin(following);
    else this.#list();
  }

  #tell(what) {
    const { lesson, at, complete } = this.runner;
    if (what === "lesson" || what === "step") {
      this.#addressRead = true;
      this.session.keeping.trainedBy("lesson", lesson !== null);
      this.#address(lesson ? this.#placeOf(lesson, at) : "");
      if (lesson) this.#show(true);
      this.#drawStep();
      if (lesson) this.part("lesson-step").focus({ preventScroll: true });
    }
    if (what === "done") this.part("lesson-said").textContent = "Done.";
    if (what === "done" || what === "answer") this.#drawNotes();
    if (lesson && complete && at === lesson.steps.length - 1 && !this.#done.has(lesson.id)) {
      this.#done.add(lesson.id);
      saveDone(this.#done);
      this.#entries();
    }
    this.redraw();
  }

  #paragraphs(texts) {
    return texts.map((text) => {
      const paragraph = document.createElement("p");
      paragraph.dataset.text = text;
      return paragraph;
    });
  }

  /** What of a step does not change while it is open. */
  #drawStep() {
    const { lesson, step, at } = this.runner;
    this.part("lessons-list").hidden = Boolean(lesson);
    this.part("lesson").hidden = this.part("lessons-all").hidden = !lesson;
    this.part("lesson-said").textContent = "";
    this.#pointer.at(step?.point ?? null, step?.stage);
    if (!lesson) return;
    this.part("lesson-name").textContent = lesson.title;
    this.part("lesson-count").textContent = `${at + 1} of ${lesson.steps.length}`;
    this.part("lesson-progress").value = (at + 1) / lesson.steps.length;
    this.part("lesson-step").textContent = step.title;
    this.part("lesson-text").replaceChildren(...this.#paragraphs(step.text));
    this.part("lesson-then").replaceChildren(...this.#paragraphs(step.then ?? []));
    this.part("lesson-task").hidden = !step.task;
    this.part("lesson-do").textContent = step.task ?? "";
    this.part("lesson-show").hidden = !step.point;
    this.part("lesson-help").hidden = !step.help;
    this.part("lesson-back").disabled = at === 0;
    this.question.show(step.ask, this.runner.notebook.answerOf(lesson, at));
    this.#drawNotes();
    this.#draw();
  }

  /** What the learner has left: kept results from then on, and at the end the report. */
  #drawNotes() {
    const { lesson, at, notebook } = this.runner;
    const table = notebook.tableOf(lesson);
    const box = this.part("lesson-kept");
    box.hidden = !table;
    if (table) {
      const row = ([first, ...cells], heads) => element("tr", {}, element("th", { scope: heads ? "col" : "row" }, first), ...cells.map((text) => element(heads ? "th" : "td", { scope: heads && "col" }, text)));
      box.replaceChildren(element("table", {}, element("caption", {}, "Kept so far"), element("thead", {}, row(table.head, true)), element("tbody", {}, ...table.body.map((cells) => row(cells, false)))));
    }
    const leaves = lesson.steps.some(({ keep, ask }) => keep || ask);
    this.part("lesson-hand-in").hidden = !leaves || at + 1 < lesson.steps.length;
    this.part("lesson-learner").value = notebook.name;
  }

  #saveReport() {
    const made = import("../share/handin.js").then(({ saveReport }) => saveReport(this.session));
    made.then(
      (name) => (this.part("lesson-said").textContent = `Saved ${name}.`),
      (error) => this.session.notify("error", `The report could not be made: ${error.message}`),
    );
  }

  /** Ticks, figures in the text, and whether it goes on. */
  #draw() {
    const { runner, session } = this;
    const { lesson, step, at, done } = runner;
    this.part("lesson-report").disabled = !session.runs.some((run) => run.trained);
    if (!lesson || this.root.hidden) return;
    const met = done.has(at);
    this.part("lesson-task").classList.toggle("met", met);
    this.part("lesson-then").hidden = Boolean(step.until) && !met;
    const read = (name) => runner.read(name);
    for (const paragraph of this.root.querySelectorAll(".lesson-text p")) {
      const text = filled(paragraph.dataset.text, read);
      if (paragraph.textContent !== text) paragraph.textContent = text;
    }
    const last = at + 1 === lesson.steps.length;
    const following = last && this.#lessons[this.#lessons.indexOf(lesson) + 1];
    const next = this.part("lesson-next");
    const onward = !last ? "Next" : following && this.#lessons.includes(lesson) ? "Next lesson" : "All lessons";
    const text = runner.ready ? onward : "Skip";
    if (next.textContent !== text) next.textContent = text;
    next.classList.toggle("primary", runner.ready);
  }
}

/**
 * @param {HTMLElement} root
 * @param {import("../session.js").Session} session
 * @param {import("../ui/places.js").Places} places
 */
export const mountLessons = (root, session, places) => new Lessons(root, session, places);
