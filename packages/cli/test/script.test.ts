import { expect } from "chai";

import { CommandProcess, type Outcome } from "../../../test/helpers/otherChain";

function deploy(...args: string[]): Promise<Outcome> {
  return CommandProcess.start("deploy run", args).outcome;
}

describe("turingfog deploy run", () => {
  it("explains itself", async () => {
    const { code, stdout } = await deploy("--help");
    expect(code).to.equal(0);
    expect(stdout).to.contain("Usage: turingfog deploy run --network <NAME> --parameters <FILE> [options]");
  });

  for (const [missing, given] of [
    ["--network <NAME>", ["--parameters", "deploy/parameters/local.json5"]],
    ["--parameters <FILE>", ["--network", "localhost"]],
  ] as const) {
    it(`refuses to run without ${missing}`, async () => {
      const { code, stdout, stderr } = await deploy(...given);
      expect(code).to.equal(2);
      expect(stdout).to.equal("");
      expect(stderr).to.equal(`Required option '${missing}' not specified; see turingfog deploy run --help\n`);
    });
  }

  it("refuses an unknown option", async () => {
    const { code, stderr } = await deploy("--network", "localhost", "--parameters", "none.json5", "--no");
    expect(code).to.equal(2);
    expect(stderr).to.equal("Unknown option '--no'; see turingfog deploy run --help\n");
  });

  it("names every parameter that is wrong before it connects to anything", async () => {
    const args = ["--network", "nowhere", "--parameters", "deploy/parameters/mainnet.json5"];
    const { code, stdout, stderr } = await deploy(...args);
    expect(code).to.equal(1);
    expect(stdout).to.equal("");
    expect(stderr).to.match(/^guardian: "FILL IN: .*": must be an address other than zero, with its EIP-55 checksum$/m);
    expect(stderr).to.match(/^assets\[0\]\.referencePrice: 'FILL IN: .*': must be TFT from 0\.000000001 to /m);
  });
});
