/**
 * Service worker. It gives every answer of this site the two headers that make a page cross-origin isolated
 * (answers that bring their own keep them), and keeps the whole page on the device, so that it opens offline.
 *
 * A version of the page is kept as a whole or not at all: `offline.json` names every file with its SHA-256, and
 * each version has a cache of its own. Files that it lists for later are kept once they were asked for. A navigation asks for the list first; where it names a new version, the
 * files that changed are fetched and the new version is what opens. Without an answer in time, or offline, the
 * version that is there opens. A page and its workers stay with the version that they were opened from.
 */

const ISOLATION = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
};

/** A folder of the host, which may hold other pages with caches of their own. */
const HOME = new URL("./", location);
const PREFIX = `nibble ${HOME.pathname} `;
const LIST = new URL("offline.json", HOME).href;
const PAGE = new URL("index.html", HOME).href;
const LATER = new URL("networks/", HOME).href;
/** Which version each page and worker was opened from; the browser ends this script when it is idle. */
const CLIENTS = `${PREFIX}clients`;
const NETWORK = "network";

/** How long a navigation waits for a new version before the old one opens. */
const PATIENCE_MS = 2500;
/** How long after its navigation a page may not be among the clients yet. */
const OPENING_MS = 60_000;
/** Versions that stay, whether or not a page uses them: the newest, and the one before it. */
const SPARED = 2;
/** Files fetched at a time. */
const AT_ONCE = 6;

const after = (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value));

/** The answer with the headers of an isolated page. */
function isolated(response) {
  // An opaque or failed answer cannot be rewritten.
  if (response.status === 0 || response.type === "opaque") return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(ISOLATION)) if (!headers.has(name)) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

async function digest(bytes) {
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(sum, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The versions kept in full, the newest first: {name of the cache, list}. */
async function versions() {
  const found = [];
  for (const name of await caches.keys()) {
    if (!name.startsWith(PREFIX) || name === CLIENTS) continue;
    // The list goes in last: a cache without it was not filled.
    const list = await (await caches.open(name)).match(LIST);
    if (list) found.push({ name, list: await list.json(), at: Number(list.headers.get("x-kept-at")) });
  }
  return found.sort((a, b) => b.at - a.at);
}

/** Fetches one file of a list, or copies it from a version that holds the same bytes. */
async function fill(cache, path, sum, before) {
  const url = new URL(path, HOME).href;
  if (before?.list.files[path] === sum) {
    const same = await (await caches.open(before.name)).match(url);
    if (same) return cache.put(url, same);
  }
  const response = await fetch(url, { cache: "no-cache" });
  const bytes = await response.arrayBuffer();
  if (!response.ok || (await digest(bytes)) !== sum) throw new Error(`${path} is not what offline.json lists`);
  const { headers } = response;
  return cache.put(url, new Response(bytes, { headers: { "content-type": headers.get("content-type") ?? "" } }));
}

/** Copies what was asked for in an earlier version, where it is the same. */
async function fillLater(cache, { later }, before) {
  for (const [path, sum] of Object.entries(later ?? {})) {
    if (before?.list.later?.[path] !== sum) continue;
    const url = new URL(path, HOME).href;
    const same = await (await caches.open(before.name)).match(url);
    if (same) await cache.put(url, same);
  }
}

/** Keeps an answer that the version lists for later, if it is the one that is listed. */
async function keepLater(version, response) {
  const present = version === NETWORK ? (await versions())[0] : (await versions()).find(({ name }) => name === version);
  const path = Object.keys(present?.list.later ?? {}).find((one) => new URL(one, HOME).href === response.url);
  if (!path || (await digest(await response.clone().arrayBuffer())) !== present.list.later[path]) return;
  await (await caches.open(present.name)).put(response.url, response);
}

/** Keeps the version that the host has now. Resolves with its cache's name; rejects offline, or if it changes meanwhile. */
async function keep() {
  const response = await fetch(LIST, { cache: "no-store" });
  if (!response.ok) throw new Error(`offline.json: the server answered ${response.status}`);
  const list = await response.json();
  const name = `${PREFIX}${list.version}`;
  const [before] = await versions();
  if (before?.name === name) return name;
  const cache = await caches.open(name);
  const files = Object.entries(list.files);
  const one = async () => {
    for (let next = files.pop(); next; next = files.pop()) await fill(cache, ...next, before);
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, one));
    await fillLater(cache, list, before);
  } catch (error) {
    files.length = 0;
    await caches.delete(name);
    throw error;
  }
  const headers = { "content-type": "application/json", "x-kept-at": String(Date.now()) };
  await cache.put(LIST, new Response(JSON.stringify(list), { headers }));
  return name;
}

let keeping = null;
/** `keep`, once at a time. */
const kept = () => (keeping ??= keep().finally(() => (keeping = null)));

const clientUrl = (id) => new URL(`client/${id}`, HOME).href;
/** What this script has noted or looked up since the browser started it. */
const known = new Map();
async function assign(id, version) {
  if (!id) return;
  known.set(id, version);
  const headers = { "x-noted-at": String(Date.now()) };
  await (await caches.open(CLIENTS)).put(clientUrl(id), new Response(version, { headers }));
}
async function versionOf(id) {
  if (!id) return NETWORK;
  if (!known.has(id)) {
    const note = await caches.match(clientUrl(id), { cacheName: CLIENTS });
    known.set(id, note ? await note.text() : NETWORK);
  }
  return known.get(id);
}

/**
 * Forgets what no page uses: the notes on closed ones, and all versions but theirs and the newest. A page that is just being
 * opened is noted and not among the clients yet: a fresh note counts as one of an open page.
 */
async function tidy() {
  const used = new Set([CLIENTS, ...(await versions()).slice(0, SPARED).map(({ name }) => name)]);
  const notes = await caches.open(CLIENTS);
  const noted = await notes.keys();
  // After the notes: who was noted before and is open by now is among these.
  const open = new Set((await clients.matchAll({ type: "all", includeUncontrolled: true })).map(({ id }) => id));
  for (const request of noted) {
    const id = request.url.split("/").pop();
    const note = await notes.match(request);
    const opening = Date.now() - Number(note?.headers.get("x-noted-at")) < OPENING_MS;
    if (open.has(id) || opening) used.add(await versionOf(id));
    else await notes.delete(request);
  }
  for (const name of await caches.keys()) if (name.startsWith(PREFIX) && !used.has(name)) await caches.delete(name);
}

/** Where files lie of which none is needed to open the page: the list says which of them there are. */
const isForLater = (url) => url.startsWith(LATER);
const isPage = (url) => url.pathname === HOME.pathname || url.href.split(/[?#]/)[0] === PAGE;

async function navigate(event) {
  const [present] = await versions();
  let version = NETWORK;
  if (present && isPage(new URL(event.request.url))) {
    const newest = kept().catch(() => present.name);
    event.waitUntil(newest);
    version = await Promise.race([newest, after(PATIENCE_MS, present.name)]);
  }
  await assign(event.resultingClientId, version);
  if (version === NETWORK) return fetch(event.request);
  return (await caches.match(PAGE, { cacheName: version })) ?? fetch(event.request);
}

async function resource(event) {
  const { request, clientId, resultingClientId } = event;
  const version = await versionOf(clientId);
  // A worker is of its page's version.
  if (resultingClientId) await assign(resultingClientId, version);
  const from = (cacheName) => caches.match(request.url, { cacheName, ignoreSearch: true });
  const held = version !== NETWORK && (await from(version));
  if (held) return held;
  try {
    const response = await fetch(request);
    if (response.ok && isForLater(request.url)) event.waitUntil(keepLater(version, response.clone()));
    return response;
  } catch (error) {
    // Offline, in a page that was opened before anything was kept.
    const [newest] = await versions();
    const instead = newest && (await from(newest.name));
    if (instead) return instead;
    throw error;
  }
}

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== location.origin) return;
  // A request that only the cache may answer fails in fetch() (a known bug of developer tools).
  if (request.cache === "only-if-cached" && request.mode !== "same-origin") return;
  // Where there are no caches (private windows of some browsers), the network alone has to do.
  const answer = (request.mode === "navigate" ? navigate(event) : resource(event)).catch(() => fetch(request));
  event.respondWith(answer.then(isolated));
});

/** The version that the host has now, kept; without a network, or a whole one there, the one that is kept already. */
const keptOrPresent = () =>
  kept().catch(async (error) => {
    const [present] = await versions();
    if (!present) throw error;
    return present.name;
  });

/** The page asks, once it is idle, to be kept; it is answered on the port that it sent. */
addEventListener("message", (event) => {
  if (event.data !== "keep") return;
  const [port] = event.ports;
  const answer = keptOrPresent().then(
    (name) => port.postMessage({ version: name.slice(PREFIX.length) }),
    (error) => port.postMessage({ error: error.message }),
  );
  event.waitUntil(answer.then(tidy));
});
