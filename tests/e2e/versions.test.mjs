/**
 * Which versions of the page the service worker keeps. Its script runs here among a browser's objects that are played: what
 * matters is the order of events between pages, which no browser lets a test choose.
 */
import assert from "node:assert/strict";
import { createHash, webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";

const SCRIPT = readFileSync(new URL("../../www/sw.js", import.meta.url), "utf8");
const HOME = "https://example.org/nibble/";
const urlOf = (request) => new URL(typeof request === "string" ? request : request.url, HOME).href;

/** The browser's caches, without their finer points. */
class Caches {
  stores = new Map();

  async open(name) {
    if (!this.stores.has(name)) this.stores.set(name, new Map());
    const store = this.stores.get(name);
    return {
      match: async (request) => store.get(urlOf(request))?.clone(),
      put: async (request, response) => void store.set(urlOf(request), response.clone()),
      delete: async (request) => store.delete(urlOf(request)),
      keys: async () => [...store.keys()].map((url) => ({ url })),
    };
  }

  keys = async () => [...this.stores.keys()];
  delete = async (name) => this.stores.delete(name);

  async match(request, { cacheName }) {
    return this.stores.has(cacheName) ? (await this.open(cacheName)).match(request) : undefined;
  }
}

/** A host with one version of the page at a time, the service worker, and pages that come and go. */
class Site {
  caches = new Caches();
  open = new Set();
  now = 1_000_000;
  /** Ends the host's silence: what was asked meanwhile fails. */
  speak = null;

  constructor() {
    this.start();
  }

  /** Starts the script anew, as a browser does after having ended it: what it knew by heart is gone. */
  start() {
    const listeners = {};
    const site = this;
    class PlayedDate extends Date {
      static now = () => site.now;
    }
    const world = {
      caches: this.caches, URL, URLSearchParams, Response, Headers, Promise, Uint8Array, crypto: webcrypto, setTimeout, console, Date: PlayedDate,
      location: new URL("sw.js", HOME), addEventListener: (type, listener) => (listeners[type] = listener), skipWaiting() {},
      clients: { matchAll: async () => [...this.open].map((id) => ({ id })), claim: async () => {} },
      fetch: (request) => this.fetch(urlOf(request)),
    };
    vm.runInNewContext(SCRIPT, world);
    this.listeners = listeners;
  }

  publish(version) {
    this.files = { "index.html": `page ${version}`, "main.js": `main ${version}` };
    const sums = Object.fromEntries(Object.entries(this.files).map(([name, text]) => [name, createHash("sha256").update(text).digest("hex")]));
    this.list = JSON.stringify({ version, files: sums });
  }

  /** The host answers nothing for a while. */
  fallSilent() {
    this.silence = new Promise((_, reject) => (this.speak = () => reject(new TypeError("Failed to fetch"))));
    this.silence.catch(() => {});
  }

  async fetch(url) {
    await this.silence;
    this.now += 10;
    const path = url.slice(HOME.length);
    const text = path === "offline.json" ? this.list : this.files[path || "index.html"];
    return text === undefined ? new Response("", { status: 404 }) : new Response(text);
  }

  /** What the service worker answers. */
  async ask(path, { page, opening }) {
    let answer;
    const pending = [];
    const request = { url: HOME + path, method: "GET", mode: opening ? "navigate" : "cors", cache: "default" };
    this.listeners.fetch({ request, clientId: page ?? "", resultingClientId: opening ?? "", respondWith: (given) => (answer = given), waitUntil: (given) => pending.push(given) });
    return (await answer).text();
  }

  /** A page begins to open; it is among the clients only once the browser has made it. */
  begin = (id) => this.ask("", { opening: id });

  /** A page asks to be kept. */
  async keep() {
    const pending = [];
    const told = await new Promise((resolve) => {
      this.listeners.message({ data: "keep", ports: [{ postMessage: resolve }], waitUntil: (given) => pending.push(given) });
    });
    await Promise.all(pending);
    return told;
  }

  kept = () => [...this.caches.stores.keys()].filter((name) => !name.endsWith("clients")).map((name) => name.split(" ").pop()).sort();
}

/** A site whose first page was opened from `version` and keeps it. */
async function visited(version) {
  const site = new Site();
  site.publish(version);
  await site.begin("first");
  site.open.add("first");
  assert.equal((await site.keep()).version, version);
  return site;
}

test("a page that is being opened keeps its version, through any number of updates", async () => {
  for (const ended of [false, true]) {
    const site = await visited("one");
    // Opened from what is there: the host is silent.
    site.fallSilent();
    assert.equal(await site.begin("second"), "page one");
    site.speak();
    site.silence = null;
    await new Promise(setImmediate);
    site.open.delete("first");
    for (const version of ["two", "three", "four"]) {
      site.publish(version);
      if (ended) site.start();
      assert.equal((await site.keep()).version, version);
    }
    assert.equal(await site.ask("main.js", { page: "second" }), "main one", ended ? "the script was ended meanwhile" : "");
    site.open.add("second");
    site.now += 3_600_000;
    await site.keep();
    assert.equal(await site.ask("main.js", { page: "second" }), "main one");
    site.open.delete("second");
    await site.keep();
    assert.deepEqual(site.kept(), ["four", "three"]);
  }
});

test("the newest two versions stay, older ones go with their last page", async () => {
  const site = await visited("one");
  // The first visit came from the network; this one is of what is kept.
  await site.begin("later");
  site.open.add("later");
  site.now += 3_600_000;
  const left = [];
  for (const version of ["two", "three"]) {
    site.publish(version);
    await site.keep();
    left.push(site.kept());
  }
  assert.deepEqual(left, [["one", "two"], ["one", "three", "two"]]);
  site.open.delete("later");
  await site.keep();
  assert.deepEqual(site.kept(), ["three", "two"]);
});

test("the notes on closed pages go", async () => {
  const site = await visited("one");
  for (const id of ["a", "b", "c"]) await site.begin(id);
  site.now += 3_600_000;
  await site.keep();
  const notes = [...site.caches.stores].find(([name]) => name.endsWith("clients"))[1];
  assert.deepEqual([...notes.keys()].map((url) => url.split("/").pop()), ["first"]);
});
