/** The published runs, epoch by epoch: drawn faintly behind a run of the same network on the same data. */

const FILES = { cifar10: "paper-cifar10-epochs.csv", cifar100: "paper-cifar100-epochs.csv" };
const PUBLISHED_MODEL = "vgg4bit";

/** @typedef {{epoch: number, trainLoss: number, trainAccuracy: number, testLoss: number, testAccuracy: number}} PaperEpoch */

const loaded = new Map();

async function read(file) {
  const response = await fetch(new URL(file, import.meta.url));
  if (!response.ok) throw new Error(`${file}: the server answered ${response.status}.`);
  const [head, ...lines] = (await response.text()).trim().split("\n");
  const columns = head.split(",");
  return lines.map((line) => {
    const row = Object.fromEntries(line.split(",").map((value, i) => [columns[i], Number(value)]));
    return {
      epoch: row.epoch,
      trainLoss: row.train_loss,
      trainAccuracy: row.train_acc / 100,
      testLoss: row.test_loss,
      testAccuracy: row.test_acc / 100,
    };
  });
}

/**
 * The published epochs that a run can be held against, or null.
 * @param {import("../runs.js").RunRecord|null} run
 * @returns {Promise<PaperEpoch[]|null>}
 */
export async function paperEpochs(run) {
  const file = run && run.info.config.model === PUBLISHED_MODEL && FILES[run.data.kind];
  if (!file) return null;
  // A reference that cannot be fetched is left out: the run itself does not need it.
  if (!loaded.has(file)) loaded.set(file, read(file).catch(() => null));
  return loaded.get(file);
}
