/**
 * The arrows of the house: sdk <- operator, economy, training <- network <- cli <- lab, and sdk <- apps; nothing points back. The
 * tests of the contracts stand on what ships (sdk, operator, deploy), those of a package on its built form; no room imports a test.
 */
const src = (name) => `^packages/${name}/src/`;

module.exports = {
  forbidden: [
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    {
      name: "not-to-unresolvable",
      comment: "Ponder is a module for imports alone, and gives its apps virtual modules; its types check both.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true, pathNot: "^ponder([:/]|$)" },
    },
    {
      name: "sdk-stands-alone",
      comment: "The SDK runs in browsers and knows nothing of deploying, of commands or of Hardhat.",
      severity: "error",
      from: { path: src("sdk") },
      to: {
        path: "^(packages/(operator|economy|training|network|cli)|lab|deploy|scripts|test|typechain-types)/|node_modules/(@nomicfoundation|hardhat)/",
      },
    },
    {
      name: "node-only-in-sdk-node",
      comment: "Outside ./node the SDK has no builtin module of Node.",
      severity: "error",
      from: { path: src("sdk"), pathNot: "^packages/sdk/src/node/" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "node-is-a-leaf",
      comment: "The rest of the SDK does not import ./node.",
      severity: "error",
      from: { path: src("sdk"), pathNot: "^packages/sdk/src/node/" },
      to: { path: "^packages/sdk/src/node/" },
    },
    {
      name: "operator-below-cli",
      comment:
        "An operator installs this without Hardhat's plugins; Hardhat itself is loaded for a rehearsal in process.",
      severity: "error",
      from: { path: src("operator") },
      to: {
        path: "^(packages/(economy|training|network|cli)|lab|deploy|scripts|test|typechain-types)/|node_modules/@nomicfoundation/",
      },
    },
    {
      name: "economy-on-sdk-alone",
      comment: "The simulator has the rules of the SDK and needs nothing else.",
      severity: "error",
      from: { path: src("economy") },
      to: { path: "^(packages/(operator|training|network|cli)|lab|deploy|scripts|test|typechain-types)/" },
    },
    {
      name: "training-above-sdk",
      comment:
        "Whoever recomputes a round installs the trainer and the SDK, and nothing that knows of a chain's state.",
      severity: "error",
      from: { path: src("training") },
      to: {
        path: "^(packages/(operator|economy|network|cli)|lab|deploy|scripts|test|typechain-types)/|node_modules/(@nomicfoundation|hardhat)/",
      },
    },
    {
      name: "network-below-cli",
      severity: "error",
      from: { path: src("network") },
      to: { path: "^(packages/cli|lab|deploy|scripts|test|typechain-types)/|node_modules/(@nomicfoundation|hardhat)/" },
    },
    {
      name: "cli-below-lab",
      severity: "error",
      from: { path: src("cli") },
      to: { path: "^(lab|deploy|scripts|test|typechain-types)/|node_modules/hardhat/" },
    },
    {
      name: "apps-on-sdk-alone",
      comment: "What is served to everybody takes every rule from the SDK, and nothing else of the house.",
      severity: "error",
      from: { path: "^apps/" },
      to: { path: "^(packages/(operator|economy|training|network|cli)|lab|deploy|scripts|test|typechain-types)/" },
    },
    {
      name: "apps-below-lab",
      severity: "error",
      from: { path: "^(packages|deploy|scripts|test)/" },
      to: { path: "^apps/" },
    },
    {
      name: "tests-below-lab",
      comment: "Lab measures and proves what stands; tests of contracts and packages do not depend on it.",
      severity: "error",
      from: { path: "^(packages|deploy|scripts|test)/" },
      to: { path: "^lab/" },
    },
    {
      name: "books-stand-alone",
      comment: "What checks the roles' books shares no code with them.",
      severity: "error",
      from: { path: "^lab/(chaos/(books|entries)|gateway/books)\\.ts$" },
      to: { path: "^(packages|lab|deploy|scripts|test|typechain-types)/", pathNot: "^lab/chaos/books\\.ts$" },
    },
    {
      name: "packages-by-name",
      comment: "A package is imported by its name, so that only what it exports is used; eslint refuses other paths.",
      severity: "error",
      from: { path: "^(packages/([^/]+)|apps|lab|deploy|scripts|test)/", pathNot: "^packages/[^/]+/src/" },
      to: { path: "^packages/[^/]+/src/" },
    },
    {
      name: "challenge-threads-load-little",
      comment: "A thread a challenge: through an index it would load the whole network first, a second of CPU.",
      severity: "error",
      from: { path: "^packages/network/src/(node/productWorker|signer/challenges/(aside|product))\\.ts$" },
      to: { path: "/src/", pathNot: "/product\\.ts$", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "no-unlisted-dependency",
      comment: "What is imported stands in the nearest package.json.",
      severity: "error",
      from: { path: "^packages/[^/]+/src/", pathNot: "^packages/operator/src/connection.ts$" },
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown", "npm-dev"] },
    },
    {
      name: "no-test-imported",
      severity: "error",
      from: {},
      to: { path: "\\.test\\.ts$" },
    },
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["require", "node", "default"] },
    doNotFollow: { path: "node_modules|/dist/|^typechain-types/" },
    exclude: { path: "^(packages/sdk/src/bindings|lab/oracles)/" },
  },
};
