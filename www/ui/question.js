/** The form of a lesson's question: choices, a line or a field, and what is said to an answer. Texts are shown as texts. */
import { LONGEST, readAnswer, reply } from "../lesson/asking.js";
import { element } from "./dom.js";

/** Where an answer is put in; its `value` is what was given. */
function choices(texts, given) {
  const items = texts.map((text) => element("label", {}, element("input", { type: "radio", name: "lesson-answer", value: text, checked: text === given }), element("span", {}, text)));
  const box = element("div", { class: "lesson-choices" }, ...items);
  return { box, value: () => box.querySelector(":checked")?.value ?? "" };
}

function field(ask, given) {
  const input = ask.number
    ? element("input", { type: "text", inputmode: "decimal", autocomplete: "off" })
    : element("textarea", { rows: 3, maxlength: LONGEST });
  input.id = "lesson-answer";
  input.setAttribute("aria-labelledby", "lesson-question");
  input.value = given === undefined ? "" : String(given);
  const box = element("div", { class: "lesson-field" }, input, ...(ask.unit ? [element("span", {}, ask.unit)] : []));
  return { box, value: () => input.value };
}

export class Question {
  #form;
  #answered;

  /**
   * @param {HTMLFormElement} form takes it in
   * @param {(answer: string|number) => void} answered
   */
  constructor(form, answered) {
    this.#form = form;
    this.#answered = answered;
  }

  /**
   * Shows a question, and what was answered; nothing where there is none.
   * @param {import("../lesson/asking.js").Ask|undefined} ask
   * @param {string|number|undefined} given
   */
  show(ask, given) {
    const form = this.#form;
    form.hidden = !ask;
    if (!ask) return;
    const { box, value } = ask.choices ? choices(ask.choices, given) : field(ask, given);
    const problem = element("p", { class: "lesson-problem", role: "alert" });
    const said = element("div", { class: "lesson-reply", role: "status" });
    const say = (answer) => said.replaceChildren(...reply(ask, answer).map((text) => element("p", {}, text)));
    if (given !== undefined) say(given);
    form.replaceChildren(
      element("fieldset", {}, element("legend", { id: "lesson-question" }, ask.question), box),
      problem,
      element("button", { type: "submit", class: "small", id: "lesson-answer-go" }, "Answer"),
      said,
    );
    form.onsubmit = (event) => {
      event.preventDefault();
      const read = readAnswer(ask, value());
      problem.textContent = read.problem ?? "";
      if (read.problem) return;
      this.#answered(read.answer);
      // The same words again would not be read out.
      said.replaceChildren();
      say(read.answer);
      if (said.childElementCount === 0) said.append(element("p", {}, "Your answer is taken down."));
    };
  }
}
