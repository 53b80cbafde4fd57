/**
 * Where something is measured: a worker in headless Chromium, or a program. Both are sent one object and give one
 * back; what goes wrong, a crash or a time limit included, is thrown as an error.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Rejects after so many seconds. */
function within(seconds, promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** A worker on a page of its own browser, so that no two share a process. */
export class BrowserWorker {
  #browser;
  #page;

  /**
   * @param {string} script address of the worker, from bench/page.html
   * @param {"module" | "classic"} type
   * @param {string} site address of the server
   */
  static async open(script, type = "module", site = process.env.NIBBLE_URL) {
    const { launch } = await import("../e2e/browser.mjs");
    const worker = new BrowserWorker();
    worker.#browser = await launch();
    worker.version = `Chromium ${worker.#browser.version()}`;
    const page = await worker.#browser.newPage();
    page.on("console", (message) => message.type() === "error" && console.error(message.text()));
    await page.goto(new URL("bench/page.html", site).href);
    await page.evaluate(([url, type]) => void (globalThis.worker = new Worker(url, { type })), [script, type]);
    worker.#page = page;
    return worker;
  }

  /** Sends a request and waits for the answer to it; `what` it is, for messages. */
  async ask(request, seconds = 600, what = "the answer") {
    const answer = this.#page.evaluate(
      (wanted) =>
        new Promise((resolve, reject) => {
          worker.onerror = (event) => reject(new Error(event.message || "the worker's script did not load"));
          worker.onmessage = ({ data }) => resolve(data);
          worker.postMessage(wanted);
        }),
      request,
    );
    answer.catch(() => {});
    const { error, ...rest } = await within(seconds, answer, what);
    if (error) throw new Error(error);
    return rest;
  }

  close() {
    return this.#browser.close();
  }
}

/** A program that answers each line of JSON with one. */
export class Program {
  #child;
  #lines;
  #ended;

  /**
   * @param {string} program
   * @param {string[]} options
   * @param {object} environment added to this process's
   */
  constructor(program, options, environment = {}) {
    this.#child = spawn(program, options, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...environment },
    });
    let said = "";
    this.#child.stderr.on("data", (data) => (said = (said + data).slice(-4000)));
    this.#child.stdin.on("error", () => {}); // It has ended: `#ended` says how.
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#ended = new Promise((_, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", (code, signal) => {
        const last = said.trim().split("\n").at(-1);
        reject(new Error(`${program.split("/").at(-1)} ended (${signal ?? code}): ${last}`));
      });
    });
    this.#ended.catch(() => {});
  }

  /** The next line that it prints. */
  async next(seconds = 600, what = "the answer") {
    const line = this.#lines.next().then(({ value, done }) => (done ? this.#ended : JSON.parse(value)));
    const { error, ...rest } = await within(seconds, Promise.race([line, this.#ended]), what);
    if (error) throw new Error(error);
    return rest;
  }

  ask(request, seconds, what) {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    return this.next(seconds, what);
  }

  close() {
    this.#child.kill();
  }
}
