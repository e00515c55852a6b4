import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { configuredNetworks, InvalidTimeoutError, rpcTimeout, rpcUrl, rpcVariable } from "@turingfog/operator";
import { chainNamed, CHAINS, UnknownChainError } from "@turingfog/sdk";
import { expect } from "chai";
import { getAddress } from "ethers";

/** Connects to Hardhat's chain in a process that does not find Hardhat, and resolves to what is thrown. */
async function connectWithoutHardhat(): Promise<string> {
  const script = `
    const Module = require("node:module");
    const resolve = Module._resolveFilename;
    Module._resolveFilename = (request, ...rest) => resolve(request === "hardhat" ? "no-hardhat-here" : request, ...rest);
    require("@turingfog/operator").connect("hardhat").catch((error) => console.log(error.name + ": " + error.message));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", script], { cwd: __dirname });
  return stdout.trim();
}

describe("networks", () => {
  it("refuses a name that is not known, and names those that are", () => {
    expect(() => chainNamed("mainnet")).to.throw(UnknownChainError, "must be one of ethereum, sepolia, arbitrum");
    expect(() => chainNamed("toString")).to.throw(UnknownChainError);
  });

  it("names the coin in which each network's fees are paid", () => {
    for (const { currency, title } of Object.values(CHAINS)) expect(currency, title).to.match(/^[A-Z]{3,5}$/);
  });

  it("gives every network a chain of its own, and every address its checksum", () => {
    const known = Object.values(CHAINS).filter(({ chainId }) => chainId !== undefined);
    expect(new Set(known.map(({ chainId }) => chainId)).size).to.equal(known.length);
    for (const { stablecoins, uniswapRouter, l1FeeOracle } of known) {
      const addresses = [...stablecoins.map(({ address }) => address), uniswapRouter, l1FeeOracle];
      for (const address of addresses) if (address !== undefined) expect(getAddress(address)).to.equal(address);
    }
  });

  it("counts patience and finality in seconds, whatever a block takes, and says since when the figures hold", () => {
    for (const { chainId, patience, finality, since, title } of Object.values(CHAINS)) {
      if (chainId === undefined) continue;
      expect(patience, title).to.be.at.least(30);
      expect(finality.tag, title).to.be.oneOf(["finalized", "safe"]);
      expect(finality.takes, title).to.be.at.least(600);
      expect(since, title).to.match(/^20\d\d-\d\d-\d\d$/);
    }
    for (const [name, since] of [
      ["base", "2026-11-05"],
      ["baseSepolia", "2026-10-21"],
    ]) {
      expect(CHAINS[name]).to.include({ blockTime: 0.2, since });
    }
  });

  it("gives a node 20 seconds for each answer, or the time in TURINGFOG_RPC_TIMEOUT", () => {
    expect(rpcTimeout({})).to.equal(20_000);
    expect(rpcTimeout({ TURINGFOG_RPC_TIMEOUT: "0.5" })).to.equal(500);
    for (const wrong of ["0", "0.05", "601", "20s", "-1"]) {
      expect(() => rpcTimeout({ TURINGFOG_RPC_TIMEOUT: wrong })).to.throw(
        InvalidTimeoutError,
        `TURINGFOG_RPC_TIMEOUT is ${wrong}, must be seconds from 0.1 to 600`,
      );
    }
  });

  it("takes the RPC URL from the variable of the network's name; a local node needs none", () => {
    expect(rpcVariable("arbitrumSepolia")).to.equal("ARBITRUM_SEPOLIA_RPC_URL");
    expect(rpcUrl("base", { BASE_RPC_URL: "https://node.example" })).to.equal("https://node.example");
    expect(rpcUrl("base", {})).to.equal(undefined);
    expect(rpcUrl("localhost", {})).to.equal("http://127.0.0.1:8545");
  });

  it("gives Hardhat the networks whose URL is known, with their chain ids and without keys", () => {
    expect(configuredNetworks({ BASE_RPC_URL: "https://node.example" })).to.deep.equal({
      base: { url: "https://node.example", chainId: 8453 },
      localhost: { url: "http://127.0.0.1:8545", chainId: undefined },
    });
  });

  it("connects to Hardhat's chain from a program that is not Hardhat's", async () => {
    const script =
      'require("@turingfog/operator").connect("hardhat").then(({ chainId }) => console.log(String(chainId)))';
    const { stdout } = await promisify(execFile)(process.execPath, ["-e", script], {
      cwd: __dirname,
      env: { PATH: process.env.PATH },
    });
    expect(stdout.trim()).to.equal("31337");
  });

  it("says what to do for Hardhat's chain where Hardhat is not installed", async () => {
    expect(await connectWithoutHardhat()).to.equal(
      "NoHardhatError: --network hardhat needs a checkout of TuringFog: run it there, or use a node and --network localhost",
    );
  });
});
