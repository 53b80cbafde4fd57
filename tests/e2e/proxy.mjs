/** A server between the page and the real one, for tests in which the host changes, breaks or goes away. */
import { createServer } from "node:http";

/**
 * @param {import("node:test").TestContext} t ends with it
 * @param {string} target address of the real server
 */
export async function proxy(t, target) {
  /** Path -> what to do with its answer. */
  const changes = new Map();
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, target);
    try {
      const from = await fetch(new URL(request.url, target));
      let answer = { status: from.status, headers: Object.fromEntries(from.headers), body: Buffer.from(await from.arrayBuffer()) };
      answer = (await changes.get(pathname)?.(answer)) ?? answer;
      delete answer.headers["content-length"];
      delete answer.headers.connection;
      response.writeHead(answer.status, answer.headers);
      response.end(answer.body);
    } catch {
      response.destroy();
    }
  });
  const listen = (port) => new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  await listen(0);
  const { port } = server.address();
  const down = () =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(resolve);
    });
  t.after(() => server.listening && down());
  return {
    url: `http://127.0.0.1:${port}/`,
    /** Gives the answers for `path` to `change`, which returns them changed. */
    alter: (path, change) => changes.set(path, change),
    restore: (path) => changes.delete(path),
    down,
    up: () => listen(port),
  };
}
