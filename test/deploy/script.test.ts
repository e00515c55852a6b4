import { execFile } from "node:child_process";
import path from "node:path";

import { expect } from "chai";

const ROOT = path.join(__dirname, "../..");

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs scripts/deploy.ts in a process of its own. */
function deploy(...args: string[]): Promise<Outcome> {
  const command = ["-r", "ts-node/register/transpile-only", "scripts/deploy.ts", ...args];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, command, { cwd: ROOT }, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

describe("scripts/deploy.ts", () => {
  it("explains itself", async () => {
    const { code, stdout } = await deploy("--help");
    expect(code).to.equal(0);
    expect(stdout).to.contain("npm run deploy -- --network NAME --parameters FILE ");
  });

  for (const [missing, given] of [
    ["--network", ["--parameters", "deploy/parameters/local.json5"]],
    ["--parameters", ["--network", "localhost"]],
  ] as const) {
    it(`refuses to run without ${missing}`, async () => {
      const { code, stdout, stderr } = await deploy(...given);
      expect(code).to.equal(2);
      expect(stdout).to.equal("");
      expect(stderr).to.equal(`${missing} is missing; see --help\n`);
    });
  }

  it("refuses an unknown option", async () => {
    const { code, stderr } = await deploy("--yes");
    expect(code).to.equal(2);
    expect(stderr).to.contain("Unknown option '--yes'");
  });

  it("names every parameter that is wrong before it connects to anything", async () => {
    const args = ["--network", "nowhere", "--parameters", "deploy/parameters/mainnet.json5"];
    const { code, stdout, stderr } = await deploy(...args);
    expect(code).to.equal(1);
    expect(stdout).to.equal("");
    expect(stderr).to.match(/^guardian: "FILL IN: .*": must be an address other than zero, with its EIP-55 checksum$/m);
    expect(stderr).to.match(/^assets\[0\]\.referencePrice: 'FILL IN: .*': must be TFT above 0/m);
  });
});
