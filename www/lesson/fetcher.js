/**
 * Fetches the one file that it is told, a lesson whose address stands in that of the page, and ends with {text},
 * {problem}, a sentence, or {missing}. A worker of its own, because the page's policy lets the page itself ask nobody but where it comes from
 * (docs/ARCHITECTURE.md); nothing of the page or of the user's is sent along.
 */

/** No lesson is near as long. */
const MOST_BYTES = 256 * 1024;
const PATIENCE_MS = 20_000;

const HOW = { credentials: "same-origin", referrerPolicy: "no-referrer", cache: "no-cache" };

/** The body as text; null: it is too large. */
async function read(response) {
  const reader = response.body.getReader();
  const pieces = [];
  let size = 0;
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    size += piece.value.length;
    if (size > MOST_BYTES) {
      reader.cancel();
      return null;
    }
    pieces.push(piece.value);
  }
  return new Blob(pieces).text();
}

async function fetched(url) {
  try {
    const response = await fetch(url, { ...HOW, signal: AbortSignal.timeout(PATIENCE_MS) });
    if (response.status === 404) return { missing: true };
    if (!response.ok) return { problem: `Its host answered ${response.status}.` };
    const text = await read(response);
    return text === null ? { problem: `It is larger than ${MOST_BYTES / 1024} KB.` } : { text };
  } catch (error) {
    if (error.name === "TimeoutError") return { problem: `Its host did not answer within ${PATIENCE_MS / 1000} seconds.` };
    if (!navigator.onLine) return { problem: "There is no network." };
    // A browser does not say which of the two it was.
    return { problem: "Its host cannot be reached, or does not let other pages read the file (it would have to send Access-Control-Allow-Origin)." };
  }
}

onmessage = async ({ data: url }) => postMessage(await fetched(url));
