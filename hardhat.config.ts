import { readdirSync } from "node:fs";
import path from "node:path";

import { configuredNetworks } from "@turingfog/operator";
import { subtask, type HardhatUserConfig } from "hardhat/config";
import {
  TASK_TEST_GET_TEST_FILES,
  TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD,
  TASK_COMPILE_SOLIDITY_LOG_COMPILATION_ERRORS,
} from "hardhat/builtin-tasks/task-names";
import "@nomicfoundation/hardhat-toolbox";
import "hardhat-contract-sizer";
import solcPackage from "solc/package.json";

const SOLC_VERSION = "0.8.37";

// Set by `npm run coverage`. Instrumented contracts outgrow the limits of size and gas that the shipped ones keep, so
// under coverage these are lifted, and what is compiled stays apart from what ships.
const COVERAGE = process.env.SOLIDITY_COVERAGE === "true";

// Hardhat 2 knows Solidity up to 0.8.28 and viaIR only in part, and says so at every start. What it lacks are exact
// stack traces; what we ship is compiled by solc itself and covered by the tests, so only this notice is left out.
const warn = console.warn.bind(console);
console.warn = (...data: unknown[]) => {
  if (!/not fully supported yet/.test(String(data[0]))) warn(...data);
};

// The compiler is the one that npm installed, never a download.
subtask(TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD, async ({ solcVersion }: { solcVersion: string }) => {
  if (solcVersion !== solcPackage.version) {
    throw new Error(`The compiler is solc ${solcPackage.version} from npm; ${solcVersion} was asked for`);
  }
  return {
    version: solcVersion,
    longVersion: solcVersion,
    compilerPath: require.resolve("solc/soljson.js"),
    isSolcJs: true,
  };
});

// Two warnings come from OpenZeppelin's own files and cannot be acted upon here: its queue has a function `at`, and its
// reentrancy guard uses transient storage, in the way that the warning itself calls safe.
const KNOWN_WARNINGS: Record<string, RegExp> = {
  "@openzeppelin/contracts/utils/structs/DoubleEndedQueue.sol": /"at" will be promoted to keyword/,
  "@openzeppelin/contracts/utils/TransientSlot.sol": /Transient storage as defined by EIP-1153/,
};

interface CompilerNotice {
  sourceLocation?: { file: string };
  message: string;
}

subtask(
  TASK_COMPILE_SOLIDITY_LOG_COMPILATION_ERRORS,
  ({ output, ...rest }: { output: { errors?: CompilerNotice[] } }, _hre, runSuper) =>
    runSuper({
      ...rest,
      output: {
        ...output,
        errors: output.errors?.filter(
          ({ sourceLocation, message }) => !KNOWN_WARNINGS[sourceLocation?.file ?? ""]?.test(message),
        ),
      },
    }),
);

// The tests of the contracts are in test/, those of a package beside its sources.
const TESTED = ["test", "packages", "lab/test"];

subtask(TASK_TEST_GET_TEST_FILES, async ({ testFiles }: { testFiles: string[] }, _hre, runSuper) => {
  if (testFiles.length !== 0) return (await runSuper({ testFiles })) as string[];
  return TESTED.flatMap((room) =>
    readdirSync(path.join(__dirname, room), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".test.ts") && !file.includes("node_modules"))
      .map((file) => path.join(__dirname, room, file)),
  );
});

const config: HardhatUserConfig = {
  solidity: {
    version: SOLC_VERSION,
    settings: {
      // Cancun is what every network we deploy to runs; transient storage needs it.
      evmVersion: "cancun",
      viaIR: true,
      // More runs cost bytes, of which there are enough, and save about 1 % of gas on every path.
      optimizer: { enabled: true, runs: 10_000 },
    },
  },
  networks: {
    hardhat: {
      // EIP-7825, from Osaka on: no transaction may take more than this. The coverage plugin sets its own block limit.
      hardfork: COVERAGE ? "prague" : "osaka",
      blockGasLimit: 16_777_216,
      // No test may depend on the day or the hour it is run at.
      initialDate: "2027-01-01T00:00:00Z",
      allowUnlimitedContractSize: COVERAGE,
    },
    // Those whose RPC URL the environment has; keys are for our own commands alone.
    ...configuredNetworks(),
  },
  paths: {
    ignition: "./deploy",
    ...(COVERAGE && { artifacts: "./cache/coverage/artifacts", cache: "./cache/coverage" }),
  },
  typechain: { outDir: COVERAGE ? "cache/coverage/typechain-types" : "typechain-types", target: "ethers-v6" },
  mocha: {
    // A differential test walks through thousands of histories in one case, and more slowly under coverage.
    timeout: COVERAGE ? 600_000 : 120_000,
    // Each step of the machine is then handed over and looked at, and these take hundreds of millions. They compare
    // values; what they run, the cases beside them run too.
    ...(COVERAGE && { grep: "random (histories|inputs|models)|first three days", invert: true }),
  },
  contractSizer: { strict: true, only: ["^contracts/"], except: ["^contracts/mocks/"] },
  gasReporter: { enabled: false },
};

export default config;
