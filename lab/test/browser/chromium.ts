import { existsSync } from "node:fs";

import { chromium, type Browser } from "playwright-core";

const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const CHROMIUM_MISSING =
  `${EXECUTABLE} is missing: run ` +
  "`apt-get update && apt-get install -y --no-install-recommends chromium`, or set CHROMIUM to where it is";

export function isChromiumInstalled(): boolean {
  return existsSync(EXECUTABLE);
}

/** Starts Debian's Chromium without a window. Only the tests' own server is reached. */
export async function launchChromium(): Promise<Browser> {
  if (!isChromiumInstalled()) throw new Error(CHROMIUM_MISSING);
  return chromium.launch({ executablePath: EXECUTABLE, headless: true, args: ARGUMENTS });
}

/** Says whether a test must run, rather than be left out where Chromium is missing. */
export function isChromiumRequired(): boolean {
  return process.env.CI === "true" || isChromiumInstalled();
}
