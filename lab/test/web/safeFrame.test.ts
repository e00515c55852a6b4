import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect } from "chai";
import { buildSync } from "esbuild";

import type { SafeFrame } from "../../../apps/web/src/wallet/safe";

const SOURCE = path.join(__dirname, "../../../apps/web/src/wallet/safe.ts");

const ORIGIN = "https://safe.example";
const ACCOUNT = "0x71be63f3384f5fb98995898a86b02fb2426c5788";

interface Asked {
  id: string;
  method: string;
}

type Hear = (event: { source: unknown; origin: string; data: unknown }) => void;

/** A window that hands every message over, and lets anybody answer. */
function openWindow() {
  const hearers: Hear[] = [];
  const asked: { message: Asked; origin: string }[] = [];
  const parent = { postMessage: (message: Asked, origin: string) => asked.push({ message, origin }) };
  const opened = { parent, addEventListener: (_: string, hear: Hear) => hearers.push(hear) };
  const answer = (data: unknown, { source, origin = ORIGIN }: { source?: unknown; origin?: string } = {}) => {
    const { id } = asked[asked.length - 1].message;
    for (const hear of hearers) hear({ source: source ?? parent, origin, data: { id, success: true, data } });
  };
  return { opened, asked, answer };
}

/** Loads the page's module, which is built for browsers. */
async function load(): Promise<new (origin: string) => SafeFrame> {
  const folder = mkdtempSync(path.join(tmpdir(), "turingfog-safe-"));
  try {
    const outfile = path.join(folder, "safe.cjs");
    buildSync({ entryPoints: [SOURCE], outfile, bundle: true, format: "cjs", platform: "node", logLevel: "error" });
    return ((await import(outfile)) as { SafeFrame: new (origin: string) => SafeFrame }).SafeFrame;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Asks for the wallet of a Safe in a window of the test's own. */
async function within(test: (at: ReturnType<typeof openWindow> & { frame: SafeFrame }) => Promise<void>) {
  const at = openWindow();
  const Frame = await load();
  Object.assign(globalThis, { window: at.opened });
  try {
    await test({ ...at, frame: new Frame(ORIGIN) });
  } finally {
    Reflect.deleteProperty(globalThis, "window");
  }
}

const given = { safeAddress: ACCOUNT, chainId: 1 };
const forged = { safeAddress: `0x${"66".repeat(20)}`, chainId: 1 };

describe("a Safe around the page", () => {
  it("is asked by its origin, and answers with its account", () =>
    within(async ({ frame, asked, answer }) => {
      const wallet = frame.wallet();
      answer(given);
      expect(await (await wallet).provider.request({ method: "eth_requestAccounts" })).to.deep.equal([ACCOUNT]);
      expect(asked.map(({ message: { method }, origin }) => [method, origin])).to.deep.equal([["getSafeInfo", ORIGIN]]);
    }));

  for (const [who, where] of [
    ["another window of its origin", { source: {} }],
    ["a window of another origin", { origin: "https://other.example" }],
  ] as const) {
    it(`is not believed if ${who} answers`, () =>
      within(async ({ frame, answer }) => {
        const wallet = frame.wallet();
        answer(forged, where);
        answer(given);
        expect(await (await wallet).provider.request({ method: "eth_requestAccounts" })).to.deep.equal([ACCOUNT]);
      }));
  }

  for (const [what, answered] of [
    ["safeAddress", { ...given, safeAddress: "0x66" }],
    ["chainId", { ...given, chainId: "one" }],
  ] as const) {
    it(`is none if its ${what} is not one`, () =>
      within(async ({ frame, answer }) => {
        const wallet = frame.wallet();
        answer(answered);
        const refusal = await wallet.then(String, (error: Error) => error.message);
        expect(refusal).to.match(new RegExp(`is no Safe: ${what} is`));
      }));
  }

  it("stays on its chain", () =>
    within(async ({ frame, answer }) => {
      const wallet = frame.wallet();
      answer(given);
      const switched = (await wallet).provider.request({ method: "wallet_switchEthereumChain" });
      expect(await switched.then(String, (error: Error) => error.message)).to.match(/stays on chain 1/);
    }));
});
