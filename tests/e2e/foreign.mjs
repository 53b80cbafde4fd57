/** A page of another site with the page under test in a frame. */
import { createServer } from "node:http";

/**
 * Serves it until the test's end; resolves with its address.
 * @param {import("node:test").TestContext} t
 * @param {string} source what the frame shows
 * @param {{allow: string, height?: number, headers?: object}} options what the frame may do, its height in pixels, and headers
 *   that the page is sent with
 */
export async function foreignPage(t, source, { allow, height = 900, headers = {} }) {
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>A course</title><link rel="icon" href="data:,"></head>
    <body style="margin: 12px; font-family: sans-serif"><main><h1>Lesson 4</h1><iframe src="${source.replaceAll("&", "&amp;")}" title="Nibble" width="100%" height="${height}" style="border: 0" allow="${allow}"></iframe></main></body></html>`;
  const server = createServer((_request, response) => response.writeHead(200, { "content-type": "text/html", ...headers }).end(html));
  await new Promise((resolve) => server.listen(0, "localhost", resolve));
  t.after(() => server.close());
  // Another name than the page's: not only another origin but another site.
  return `http://localhost:${server.address().port}/`;
}
