import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";

const ROOT = path.join(__dirname, "../../..");
const COMMAND = ["--transpile-only", "lab/bench/genesis.ts", "--plan", "default", "--json"];

interface Measured {
  step: string;
  sender: string;
  gas: { osaka: string; amsterdam: string };
}

describe("bench:genesis", () => {
  it("keeps each step below 8 M gas under Osaka and 45 M under Amsterdam, where one call took 92.1 M [6.13]", async () => {
    // a process of its own, because a replay starts from a chain without transactions
    const tsNode = path.join(ROOT, "node_modules/.bin/ts-node");
    const { stdout } = await promisify(execFile)(process.execPath, [tsNode, ...COMMAND], { cwd: ROOT });
    const steps = JSON.parse(stdout) as Measured[];

    expect(new Set(steps.map(({ sender }) => sender))).to.deep.equal(new Set(["key", "Safe", "SafeL2"]));
    expect(steps.filter(({ sender }) => sender === "key").map(({ step }) => step)).to.deep.equal([
      "timelock",
      "renderer",
      "teamVesting",
      "foundationVesting",
      "genesis",
      "vault",
      "oracle",
      "registry",
      "pool",
      "controller",
      "tft",
      "escrow",
    ]);
    for (const { step, gas } of steps) {
      expect(Number(gas.osaka), step).to.be.within(500_000, 8_000_000);
      // Amsterdam's code is nearly eight times as dear
      expect(Number(gas.amsterdam), step).to.be.within(4 * Number(gas.osaka), 45_000_000);
    }
  }).timeout(300_000);
});
