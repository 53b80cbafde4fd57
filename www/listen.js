/** What the worker tells of its own accord: into the records of the runs, and on to what draws them. */
import { From } from "./protocol.js";

/** @param {import("./session.js").Session} session */
export function listen(session) {
  const mine = (type, handle) =>
    session.client.on(type, (body) => {
      const run = session.runs.find(({ id }) => id === body.run);
      if (run) handle(run, body);
    });
  mine(From.STEPS, (run, { steps, memory }) => {
    run.addSteps(steps);
    session.holds(memory);
    session.tell("steps");
  });
  mine(From.EVALUATE, (run, body) => {
    run.addEvaluation(body);
    session.tell("steps");
  });
  mine(From.BESIDE, (run, body) => {
    run.addBeside(body);
    session.tell("steps");
  });
  mine(From.BITS, (run, { bits }) => {
    run.changeBits(bits);
    session.tell("epoch");
  });
  mine(From.EPOCH, (run, { epoch, filters, ms }) => {
    run.addEpoch(epoch, filters, ms);
    session.tell("epoch");
  });
  mine(From.LAYERS, (run, { layers }) => {
    run.layers = layers;
    session.tell("layers");
  });
  mine(From.STATUS, (run, { status }) => {
    run.status = status;
    session.tell("status");
  });
  mine(From.PTQ, (run, body) => {
    run.afterTraining?.add(body);
    session.tell("tested");
  });
  mine(From.SENSING, (run, body) => {
    run.measurements?.advance(body);
    session.tell("sensed");
  });
  mine(From.SPEEDS, (run, { done, total }) => {
    run.timing = done / total;
    session.tell("timed");
  });
  mine(From.CRASHED, (run, { message, fatal, kind, step, loss, gradNorm }) => {
    run.status = "paused";
    if (kind === "diverged") run.alarm = { step, loss, gradNorm };
    else run.failure = message;
    session.tell("status");
    if (run.alarm) session.tell("alarm");
    if (!fatal && !run.alarm) session.notify("error", `Training stopped: ${message}`);
  });
  session.client.on(From.PROGRESS, (progress) => session.progress(progress));
  session.client.on("lost", ({ message }) => {
    session.forsake();
    const actions = [...session.keeping.waysBack(), { label: "Start the engine anew", act: () => session.reset() }];
    session.notify("error", `The engine was lost: ${message} What it has drawn stays until you start it anew.`, actions);
  });
}
