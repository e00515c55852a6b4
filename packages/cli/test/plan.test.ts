import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

import { loadFixture, setCode, takeSnapshot } from "@nomicfoundation/hardhat-network-helpers";
import { turingfog } from "@turingfog/cli";
import { CREATE2_DEPLOYER, ensureCreate2Deployer, connect, KeySender, loadWallet } from "@turingfog/operator";
import { expect } from "chai";

import { fileOf, temporaryFolder, thrownBy } from "../../../test/helpers/tuLogs";

const LOCAL = "deploy/parameters/local.json5";
const NOBODY = "0x00000000000000000000000000000000000A11cE";

/** A chain with the deterministic deployer alone. */
async function empty(): Promise<void> {
  const connection = await connect("hardhat");
  const wallet = await loadWallet({ isLocal: true, env: {} }, connection.provider);
  await ensureCreate2Deployer(connection, new KeySender(wallet, connection));
}

/** Runs `turingfog deploy` on Hardhat's network, and returns its code with what it has printed. */
async function deploy(verb: string, ...args: string[]): Promise<{ code: number; lines: string[] }> {
  const lines: string[] = [];
  const { log } = console;
  console.log = (text: string) => lines.push(...text.split("\n"));
  try {
    const code = await turingfog(["deploy", verb, "--network", "hardhat", ...args]);
    return { code, lines };
  } finally {
    console.log = log;
  }
}

/** Writes parameters that list an asset where there is no contract. */
function listingNobody(): string {
  const asset = `assets: [{ address: "${NOBODY}", referencePrice: "1" }]`;
  return fileOf("parameters.json5", readFileSync(LOCAL, "utf8").replace(/assets: \[[^\]]*\]/, asset));
}

describe("deploy plan", () => {
  it("says first why nothing can be deployed, calls nothing standing that is not, and ends with 1", async () => {
    await loadFixture(empty);
    for (const [verb, ...args] of [["plan"], ["run", "--dry-run"]]) {
      const { code, lines } = await deploy(verb, "--parameters", listingNobody(), ...args);
      expect(code).to.equal(1);
      const [heading, reason] = lines;
      expect(heading).to.equal("Problems that prevent the deployment");
      expect(reason.trim()).to.match(
        new RegExp(`^assets\\[0\\]\\.address: ${NOBODY}: must be a token, and there is no contract`),
      );
      const text = lines.join("\n");
      expect(text).to.not.match(/stands/);
      const contracts = text.split("Contracts\n")[1].split("\n\n")[0].split("\n");
      expect(contracts).to.have.length(12);
      for (const line of contracts) expect(line).to.match(/to be created$/);
      const transactions = text.split("Transactions to send\n")[1].split("\n\n")[0];
      expect(transactions.match(/^ {2}Create \w+ +not known, because of the problems$/gm)).to.have.length(12);
    }
  });

  it("has no problems to name where there are none", async () => {
    await loadFixture(empty);
    const { code, lines } = await deploy("plan", "--parameters", LOCAL);
    expect(code).to.equal(0);
    expect(lines[0]).to.match(/^Hardhat's network, in process, chain 31337, block \d+, gas at /);
  });
});

describe("deploy run --safe", () => {
  it("writes no step that a Safe would execute to no effect, and says who must act first", async () => {
    await loadFixture(empty);
    const before = await takeSnapshot();
    await setCode(CREATE2_DEPLOYER, "0x");
    const file = path.join(temporaryFolder(), "step.json");
    const refused = await thrownBy(deploy("run", "--parameters", LOCAL, "--safe", file));
    expect((refused as Error).message).to.match(
      /^Hardhat's network, in process has no deterministic deployment proxy at 0x4e59b44847b379578588920cA78FbF26c0B4956C: create it/,
    );
    expect(existsSync(file)).to.equal(false);

    const { code, lines } = await deploy("run", "--parameters", LOCAL, "--safe", file, "--dry-run");
    expect(code).to.equal(1);
    expect(lines[0]).to.equal("Problems that prevent the deployment");
    // what runs behind it deploys with the proxy
    await before.restore();
  });
});
