import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";

const ROOT = path.join(__dirname, "../../..");
const COMMAND = ["--transpile-only", "lab/bench/genesis.ts", "--json"];

const CONTRACTS = ["vault", "oracle", "registry", "pool", "controller", "tft", "escrow"];

interface Measured {
  plan: string;
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

    const sentBy = (plan: string, sender: string) =>
      steps.filter((step) => step.plan === plan && step.sender === sender).map(({ step }) => step);
    for (const sender of ["Safe", "SafeL2"]) {
      expect(sentBy("default", sender)).to.deep.equal(sentBy("default", "key"));
      expect(sentBy("largest", sender)).to.deep.equal(sentBy("largest", "key"));
    }
    expect(sentBy("largest", "SafeL2")).to.include.members(CONTRACTS);
    expect(sentBy("default", "key")).to.deep.equal([
      "timelock",
      "renderer",
      "teamVesting",
      "foundationVesting",
      "genesis",
      ...CONTRACTS,
    ]);
    for (const { plan, step, sender, gas } of steps) {
      const what = `${step} of the ${plan} plan by ${sender}`;
      expect(Number(gas.osaka), what).to.be.within(500_000, 8_000_000);
      // Amsterdam's code is nearly eight times as dear
      expect(Number(gas.amsterdam), what).to.be.within(4 * Number(gas.osaka), 45_000_000);
    }
  }).timeout(300_000);
});
