/** What the page's Content-Security-Policy lets through: its own files, and nothing that was smuggled in. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { test } from "node:test";
import { enter, ISOLATED, open, PLAIN, runOf, shows, SMALL, trained } from "./support.mjs";

const HTML = readFileSync(new URL("../../www/index.html", import.meta.url), "utf8");
const POLICY = /<meta http-equiv="Content-Security-Policy" content="([^"]+)">/;

/** The directives of a policy, each with its sources. */
const directives = (policy) => Object.fromEntries(policy.split(";").map((one) => one.trim().split(/\s+/)).map(([name, ...sources]) => [name, sources]));

/** Notes what the policy refuses, in the page, from its first script on. */
const note = () => {
  globalThis.refused = [];
  document.addEventListener("securitypolicyviolation", (event) => refused.push([event.effectiveDirective, event.blockedURI]));
};

test("the policy comes before all that it is for, and names nobody but the page itself", async (t) => {
  const policy = directives(HTML.match(POLICY)[1]);
  assert.ok(HTML.search(POLICY) < HTML.search(/<(?:script|link|style|img)\b/), "what stands before it is not covered");
  assert.deepEqual(policy["default-src"], ["'none'"]);
  assert.deepEqual(policy["script-src"], ["'self'", "'wasm-unsafe-eval'"]);
  assert.deepEqual(policy["style-src"], ["'self'"]);
  const allowed = new Set(["'self'", "'none'", "'wasm-unsafe-eval'", "blob:", "data:"]);
  const others = Object.values(policy).flat().filter((source) => !allowed.has(source));
  assert.deepEqual(others, [], "a source that is nobody's");
  // Neither of these falls back on default-src.
  for (const own of ["base-uri", "form-action"]) assert.deepEqual(policy[own], ["'none'"], own);
  assert.doesNotMatch(HTML, /<script(?![^>]* src=)[^>]*>|<style|\sstyle=|\son\w+=/, "no script and no style in the markup");
  const page = await open(t, { settings: { ...SMALL, embed: 1 } });
  assert.equal(await page.evaluate(() => document.querySelector('meta[http-equiv="Content-Security-Policy"]').content), HTML.match(POLICY)[1]);
});

test("nothing that is put into the page runs, and nothing is asked of another host", async (t) => {
  const asked = [];
  const elsewhere = createServer((request, response) => {
    asked.push(request.url);
    response.writeHead(200, { "content-type": "text/javascript", "access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin" }).end("ran.push('foreign')");
  });
  await new Promise((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
  t.after(() => elsewhere.close());
  const other = `http://127.0.0.1:${elsewhere.address().port}`;
  const page = await open(t, { init: note });
  const told = await page.evaluate(async (host) => {
    globalThis.ran = [];
    refused.length = 0;
    const outcomes = {};
    // In a task of its own: what the test's driver begins itself may evaluate texts.
    const settled = async (name, attempt) => {
      await new Promise((resolve) => setTimeout(resolve));
      outcomes[name] = await Promise.resolve().then(attempt).then(() => "done", (error) => error.name);
    };
    const put = (name, fields) =>
      new Promise((resolve, reject) => {
        const made = Object.assign(document.createElement(name), fields);
        made.addEventListener("load", resolve);
        made.addEventListener("error", () => reject(new DOMException("", "Refused")));
        document.body.append(made);
        // An inline script has neither event.
        if (!fields.src && !fields.href) resolve();
      });
    await settled("inline script", () => put("script", { textContent: "ran.push('inline')" }));
    await settled("handler", () => document.body.insertAdjacentHTML("beforeend", '<img src="data:," onerror="ran.push(\'handler\')" alt="">'));
    await settled("javascript:", () => {
      const link = Object.assign(document.createElement("a"), { href: "javascript:ran.push('link')" });
      document.body.append(link);
      link.click();
    });
    await settled("eval", () => (0, eval)("ran.push('eval')"));
    await settled("Function", () => new Function("ran.push('Function')")());
    await settled("foreign script", () => put("script", { src: `${host}/script.js` }));
    await settled("foreign module", () => import(`${host}/module.js`));
    await settled("data: module", () => import("data:text/javascript,ran.push('data')"));
    await settled("foreign style", () => put("link", { rel: "stylesheet", href: `${host}/style.css` }));
    await settled("foreign image", () => put("img", { src: `${host}/image.png`, alt: "" }));
    await settled("foreign fetch", () => fetch(`${host}/fetch`));
    await settled("beacon", () => navigator.sendBeacon(`${host}/beacon`, "weights"));
    await settled("socket", () => {
      new EventSource(`${host}/events`);
    });
    await settled("frame", () => {
      document.body.append(Object.assign(document.createElement("iframe"), { src: `${host}/frame` }));
    });
    await settled("form", () => {
      const form = Object.assign(document.createElement("form"), { action: `${host}/form`, method: "post" });
      document.body.append(form);
      form.submit();
    });
    const styled = document.createElement("p");
    styled.setAttribute("style", "color: rgb(1, 2, 3)");
    document.body.append(styled);
    outcomes.style = getComputedStyle(styled).color === "rgb(1, 2, 3)" ? "done" : "Refused";
    await new Promise((resolve) => setTimeout(resolve, 300));
    return { ran, outcomes, refused };
  }, other);
  assert.deepEqual(told.ran, []);
  assert.deepEqual(asked, [], "another host was asked");
  const { outcomes } = told;
  for (const attempt of ["eval", "Function"]) assert.equal(outcomes[attempt], "EvalError", attempt);
  for (const attempt of ["foreign script", "foreign style", "foreign image", "style"]) assert.equal(outcomes[attempt], "Refused", attempt);
  for (const attempt of ["foreign module", "data: module", "foreign fetch"]) assert.equal(outcomes[attempt], "TypeError", attempt);
  const directivesRefused = new Set(told.refused.map(([directive]) => directive));
  for (const directive of ["script-src-elem", "script-src-attr", "script-src", "style-src-elem", "style-src-attr", "img-src", "connect-src", "frame-src", "form-action"]) {
    assert.ok(directivesRefused.has(directive), `${directive} refused nothing: ${JSON.stringify(told.refused)}`);
  }
  // It goes on training; what was refused is on the console, as it should be.
  // By its own click: the driver would wait for the form's navigation.
  await page.evaluate(() => document.getElementById("play").click());
  await trained(page, 2);
  const rest = page.problems.filter((problem) => !/Content Security Policy|Content-Security-Policy|127\.0\.0\.1:/.test(problem));
  assert.deepEqual(rest, []);
  page.problems.length = 0;
});

/** A lesson of somebody's own, as its file. */
const OWN = {
  id: "own", title: "A lesson <b>of my own</b>", about: "Mine.", minutes: 1, settings: { train: 100, test: 100, batch: 50, seed: 9 },
  steps: [{ title: "First", text: ["<img src=x onerror=ran()>"], point: "button.train" }, { title: "Second", text: ["Read."] }],
};
const OPEN_TO_ALL = { "access-control-allow-origin": "*" };

test("a lesson that the address names is fetched, by a worker, and nothing else; what is wrong is one sentence", async (t) => {
  const asked = [];
  /** What is at a path of the host of lessons. */
  const HOST = {
    "/own.json": { headers: OPEN_TO_ALL, body: JSON.stringify(OWN) },
    "/closed.json": { headers: { "access-control-allow-origin": "https://school.example" }, body: JSON.stringify(OWN) },
    "/text.json": { headers: OPEN_TO_ALL, body: "no json" },
    "/large.json": { headers: OPEN_TO_ALL, body: `"${"x".repeat(300_000)}"` },
    "/other.json": { headers: OPEN_TO_ALL, body: JSON.stringify({ ...OWN, steps: [{ title: "x", text: ["y"], point: "button.explode" }] }) },
    "/gone.json": { headers: OPEN_TO_ALL, status: 404 },
  };
  const answer = async (route) => {
    const request = route.request();
    const { pathname } = new URL(request.url());
    asked.push([pathname, await request.headerValue("referer"), await request.headerValue("cookie")]);
    return HOST[pathname] ? route.fulfill({ contentType: "application/json", ...HOST[pathname] }) : route.abort();
  };
  const page = await open(t, { search: "?train=100&test=100&lesson=https://lessons.example/own.json", init: note, prepare: (one) => one.context().route("https://lessons.example/**", answer) });
  await shows(page, "#lesson-name", /^A lesson <b>of my own<\/b>$/);
  await shows(page, "#lesson-text", /^<img src=x onerror=ran\(\)>$/);
  assert.equal(await page.locator("#lessons :is(b, img)").count(), 0, "its texts are texts");
  await page.waitForFunction(() => nibble.run.settings.seed === 9 && !nibble.busy);
  assert.deepEqual(asked, [["/own.json", null, null]]);
  // The step that is open is in the address, also for the next visit.
  await page.click("#lesson-next");
  await page.waitForFunction(() => nibble.settings.lesson === "https://lessons.example/own.json#2");
  await page.reload();
  await shows(page, "#lesson-step", /^Second$/);
  await page.click("#lessons-all");
  await shows(page, '.lesson-entry[data-lesson="own"]', /1 min · lessons\.example/);
  assert.deepEqual(await page.evaluate(() => refused), []);

  const told = {
    "https://lessons.example/closed.json": /does not open\.×Its host cannot be reached, or does not let other pages read/,
    "https://lessons.example/nothing.json": /does not open\.×Its host cannot be reached/,
    "https://lessons.example/text.json": /does not open\.×It is no JSON/,
    "https://lessons.example/large.json": /does not open\.×It is larger than 256 KB\.$/,
    "https://lessons.example/other.json": /does not open\.×Step 1, point: "button\.explode"/,
    "https://lessons.example/gone.json": /does not open\.×There is no such file at https:\/\/lessons\.example\/gone\.json\.$/,
    "nothing.json": /^nothing\.json does not open\.×There is no such file at http:\/\/[^ ]+\/nothing\.json\.$/,
    // Beside the page: a lesson that it has anyway.
    "lessons/levels.json#2": null,
  };
  for (const [address, words] of Object.entries(told)) {
    await page.goto(`${ISOLATED}?${new URLSearchParams({ train: 100, test: 100, lesson: address })}`);
    if (words) await shows(page, "#lessons-wrong", words);
    else await shows(page, "#lesson-step", /^Let it learn$/);
  }
  // What could not be fetched is on the console too.
  const rest = page.problems.filter((problem) => !/lessons\.example|nothing\.json|Failed to load resource/.test(problem));
  assert.deepEqual(rest, []);
  page.problems.length = 0;
});

for (const [name, url] of [["isolated by the server", ISOLATED], ["isolated by the service worker", PLAIN]]) {
  test(`${name}: a training, a picture, a lesson and the report are let through`, async (t) => {
    const page = await open(t, { url, init: note, context: { acceptDownloads: true } });
    await page.click("#play");
    await page.waitForFunction(() => nibble.finished && !nibble.playing, null, { timeout: 180_000 });
    assert.equal((await runOf(page)).globalStep, 30);
    assert.ok(await page.evaluate(() => crossOriginIsolated));
    const cores = await page.evaluate(() => navigator.hardwareConcurrency);
    await shows(page, "#engine-threads", new RegExp(`^${cores}$`));
    await enter(page, "export");
    for (const kind of ["report", "png"]) {
      await Promise.all([page.waitForEvent("download"), page.click(`[data-save="${kind}"]`)]);
    }
    await page.click("#lessons-button");
    await page.locator(".lesson-entry").first().waitFor();
    // By way of the service worker, where there is one.
    await page.evaluate(async () => {
      const { fromAddress } = await import("./lesson/library.js");
      const { lesson } = await fromAddress("lessons/levels.json");
      if (lesson?.id !== "levels") throw new Error("no lesson by its address");
    });
    assert.deepEqual(await page.evaluate(() => refused), []);
  });
}
