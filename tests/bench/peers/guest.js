/**
 * What the workers of the guests share; loaded by module and classic workers alike. A worker hands `guest` a function
 * that sets its library up for a request and gives `{ready, step}`: what it is, and one training step.
 *
 * The first message is the request: `layers` (a list of Nibble's layer specs), quantizer, batch, threads, warmUp. The
 * answer to it, after the warm-up, is `{ready}`; each further message `{steps}` is answered by `{ms: [...]}`. Whatever
 * goes wrong is answered by `{error}`.
 */
globalThis.guest = (setUp) => {
  let step = null;
  const timed = async () => {
    const start = performance.now();
    const loss = await step();
    if (!Number.isFinite(loss)) throw new Error(`the loss is ${loss}`);
    return performance.now() - start;
  };
  const answer = async (request) => {
    if (step) {
      const ms = [];
      for (let i = 0; i < request.steps; i++) ms.push(await timed());
      return { ms };
    }
    const { ready, step: its } = await setUp(request);
    step = its;
    for (let i = 0; i < request.warmUp; i++) await timed();
    return { ready };
  };
  addEventListener("message", async ({ data }) => {
    try {
      postMessage(await answer(data));
    } catch (error) {
      postMessage({ error: error?.message ?? String(error) });
    }
  });
};

/** Values without a pattern, normally distributed; the same for every library. */
globalThis.noise = (length, deviation, seed = 1) => {
  let state = (0x9e3779b9 * seed) >>> 0 || 1;
  const uniform = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) + 1) / 4294967297;
  };
  return Float32Array.from({ length }, () => deviation * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
};

/** One batch, used again and again: images as they are after normalising, `[n][h][w][c]`, and their classes. */
globalThis.fixedBatch = (batch) => ({
  images: noise(batch * 32 * 32 * 3, 1),
  labels: Uint8Array.from({ length: batch }, (_, i) => (7 * i) % 10),
});
