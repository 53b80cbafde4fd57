/**
 * Settings that fit few images: with those that suit thousands, a folder of ninety pictures would be one step an epoch, and nine
 * pictures would judge it. Pure functions.
 */
import { defaults } from "./settings.js";

/** Fewer test images than this leave an accuracy more than fourteen points either side of half. */
const FEW_TESTS = 50;
/** Steps an epoch, and in all, from which a small network learns. */
const STEPS_AN_EPOCH = 10;
const STEPS = 300;
/** Fewer images a batch leave too little to normalise by. */
const LEAST_BATCH = 8;
const MOST_EPOCHS = 50;
/** One in so many training images is kept aside where there are few test images, if that at least doubles them. */
const ONE_IN = 4;

/** The settings that follow the data. */
export const FITTED = ["batch", "epochs", "holdout"];

const usual = () => {
  const { batch, epochs, holdout } = defaults();
  return { batch, epochs, holdout };
};

/**
 * What fits a set of own images: the usual settings where it is large enough.
 * @param {{train: number, test: number}} info how many images it has
 * @param {Partial<import("./settings.js").Settings>} [fixed] those of them that somebody has set
 * @returns {{batch: number, epochs: number, holdout: number}}
 */
export function fitting({ train, test }, fixed = {}) {
  const fit = usual();
  const aside = Math.min(FEW_TESTS, Math.floor(train / ONE_IN));
  if (test < FEW_TESTS && aside >= 2 * test) fit.holdout = aside;
  Object.assign(fit, fixed);
  const left = train - fit.holdout;
  while (!("batch" in fixed) && fit.batch > LEAST_BATCH && left / fit.batch < STEPS_AN_EPOCH) fit.batch /= 2;
  const steps = Math.max(1, Math.floor(left / fit.batch));
  // In fives, as people count.
  const epochs = Math.ceil(STEPS / steps / 5) * 5;
  if (!("epochs" in fixed)) fit.epochs = Math.min(MOST_EPOCHS, Math.max(fit.epochs, epochs));
  return fit;
}

/** What was fitted, as a sentence; "": nothing. @param {Partial<import("./settings.js").Settings>} changes */
export function fittingText({ batch, epochs, holdout }) {
  const { batch: ofMany, epochs: usually } = usual();
  const texts = [
    batch !== undefined && batch !== ofMany && `batches of ${batch} instead of ${ofMany}`,
    epochs !== undefined && epochs !== usually && `${epochs} epochs instead of ${usually}`,
    holdout > 0 && `${holdout} of the training images kept aside to test on`,
  ].filter(Boolean);
  return texts.length > 0 ? `For so few images: ${texts.join(", ")}.` : "";
}

/** What to say where accuracies are of few test images; "": they are enough. @param {number} count */
export const fewTests = (count) => (count < FEW_TESTS ? `${count} test ${count === 1 ? "image is" : "images are"} few: accuracies may be far off by chance.` : "");
