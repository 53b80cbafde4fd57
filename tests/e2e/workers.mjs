/** Runs in a page before its scripts: makes `workers` of every worker that it starts. */
export function keepWorkers() {
  globalThis.workers = [];
  const Started = Worker;
  globalThis.Worker = class extends Started {
    constructor(...given) {
      super(...given);
      workers.push(this);
    }
  };
}
