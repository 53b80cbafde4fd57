/**
 * Headless Chromium for tests and benches. Environment: CHROMIUM (path, optional), HEADLESS_SHELL (path of the one without
 * windows, optional, which goes before).
 */
import { chromium } from "playwright-core";

const ARGUMENTS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

/** @param {string[]} more arguments besides the usual ones */
export const launch = (more = []) =>
  chromium.launch({ executablePath: process.env.HEADLESS_SHELL ?? process.env.CHROMIUM ?? "/usr/bin/chromium", args: [...ARGUMENTS, ...more] });
