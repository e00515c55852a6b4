import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";

import { configuredNetworks } from "@turingfog/operator";
import { subtask, task, type HardhatUserConfig } from "hardhat/config";
import {
  TASK_NODE,
  TASK_TEST_GET_TEST_FILES,
  TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD,
  TASK_COMPILE_SOLIDITY_LOG_COMPILATION_ERRORS,
} from "hardhat/builtin-tasks/task-names";
import "@nomicfoundation/hardhat-toolbox";
import "hardhat-contract-sizer";
import solcPackage from "solc/package.json";

const SOLC_VERSION = "0.8.37";

// Set by `npm run coverage`. Instrumented contracts exceed the limits of size and gas that the shipped contracts keep.
// Under coverage the limits are lifted, and the output goes to separate folders.
const COVERAGE = process.env.SOLIDITY_COVERAGE === "true";

// Hardhat 2 fully supports Solidity up to 0.8.28 and viaIR only in part, and warns at every start. It lacks only exact
// stack traces: solc itself compiles the contracts, and the tests cover them. So this warning alone is suppressed.
const warn = console.warn.bind(console);
console.warn = (...data: unknown[]) => {
  if (!/not fully supported yet/.test(String(data[0]))) warn(...data);
};

// Uses the compiler that npm installed, never a download.
subtask(TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD, async ({ solcVersion }: { solcVersion: string }) => {
  if (solcVersion !== solcPackage.version) {
    throw new Error(`npm installed solc ${solcPackage.version}, expected ${solcVersion}: run npm ci`);
  }
  return {
    version: solcVersion,
    longVersion: solcVersion,
    compilerPath: require.resolve("solc/soljson.js"),
    isSolcJs: true,
  };
});

// Two warnings come from OpenZeppelin's own files and cannot be fixed here. Its queue has a function `at`. Its reentrancy
// guard uses transient storage, in a way that the warning itself calls safe.
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

// The tests of the contracts are in test/, those of a package or of lab beside its sources.
const TESTED = ["test", "packages", "lab/test"];

// Files with a test that takes long come first, so that workers end together.
const isSlow = (file: string): boolean => readFileSync(file, "utf8").includes("[slow]");

subtask(TASK_TEST_GET_TEST_FILES, async ({ testFiles }: { testFiles: string[] }, _hre, runSuper) => {
  if (testFiles.length !== 0) return (await runSuper({ testFiles })) as string[];
  const files = TESTED.flatMap((room) =>
    readdirSync(path.join(__dirname, room), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".test.ts") && !file.includes("node_modules"))
      .map((file) => path.join(__dirname, room, file)),
  );
  return [...files.filter(isSlow), ...files.filter((file) => !isSlow(file))];
});

// A node of its own is a chain that roles follow by their clocks: it has the day's date, and blocks when nothing is sent too.
task(TASK_NODE).setAction(async (args, { config: { networks } }, runSuper) => {
  networks.hardhat.initialDate = new Date().toISOString();
  networks.hardhat.mining.interval = 2_000;
  await runSuper(args);
});

const config: HardhatUserConfig = {
  solidity: {
    version: SOLC_VERSION,
    settings: {
      // Every network that we deploy to supports Cancun, which transient storage needs.
      evmVersion: "cancun",
      viaIR: true,
      // More runs add bytes, for which there is room, and save about 1 % of gas on every path.
      optimizer: { enabled: true, runs: 10_000 },
    },
  },
  networks: {
    hardhat: {
      // The most gas of a transaction from Osaka on (EIP-7825). The coverage plugin sets its own block limit.
      hardfork: COVERAGE ? "prague" : "osaka",
      blockGasLimit: 16_777_216,
      // No test may depend on the day or the hour of its run.
      initialDate: "2027-01-01T00:00:00Z",
      allowUnlimitedContractSize: COVERAGE,
    },
    // The networks whose RPC URL the environment sets. They have no keys, which only our own commands use.
    ...configuredNetworks(),
  },
  paths: {
    ignition: "./deploy",
    ...(COVERAGE && { artifacts: "./cache/coverage/artifacts", cache: "./cache/coverage" }),
  },
  typechain: { outDir: COVERAGE ? "cache/coverage/typechain-types" : "typechain-types", target: "ethers-v6" },
  mocha: {
    // Of `npm test`, whose workers each have a chain of their own.
    jobs: availableParallelism(),
    // A differential test runs thousands of histories in one case, and workers share the cores with what else runs.
    timeout: 600_000,
    // Coverage traces every step of the EVM, and these tests take hundreds of millions of steps. They only compare
    // values; the other cases run the same code.
    ...(COVERAGE && { grep: "\\[slow\\]", invert: true }),
  },
  contractSizer: { strict: true, only: ["^contracts/"], except: ["^contracts/mocks/"] },
  gasReporter: { enabled: false },
};

export default config;
