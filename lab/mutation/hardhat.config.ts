import path from "node:path";

import type { HardhatUserConfig } from "hardhat/config";
import solcPackage from "solc/package.json";

import base from "../../hardhat.config";

/** Twice what it takes to deploy instrumented contracts, so that an endless loop runs out of it soon. */
const GAS_LIMIT = 60_000_000;

/** What the instrumented copy of the project is compiled and tested with. */
const config: HardhatUserConfig = {
  ...base,
  paths: { ...base.paths, root: path.join(__dirname, "../..") },
  solidity: {
    version: solcPackage.version,
    settings: {
      evmVersion: "cancun",
      // the pipeline that ships and that has no limit of variables, with the passes left out that take their time
      viaIR: true,
      optimizer: { enabled: true, runs: 1, details: { yul: true, yulDetails: { optimizerSteps: "" } } },
    },
  },
  networks: {
    hardhat: {
      ...base.networks?.hardhat,
      // before EIP-7825, whose limit of gas for a transaction instrumented contracts outgrow, as they do that of size
      hardfork: "prague",
      blockGasLimit: GAS_LIMIT,
      gas: GAS_LIMIT,
      allowUnlimitedContractSize: true,
    },
  },
};

export default config;
