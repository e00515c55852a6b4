import eslint from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

// Logs are read by readEvents alone, which never takes an empty answer for the absence of events. An address book only
// notes where a contract was created, if the node knows.
const LOGS = { selector: "MemberExpression[property.name=/^(queryFilter|getLogs)$/]", message: "Use readEvents" };

// The functions of Math that give the same bits in every engine. Powers are Math.pow under another name.
const EXACT = "/^(abs|ceil|floor|fround|imul|max|min|round|sqrt)$/";
const INEXACT = [
  `MemberExpression[object.name='Math']:not([computed=false][property.name=${EXACT}])`,
  `VariableDeclarator[init.name='Math'] > ObjectPattern > Property:not([computed=false][key.name=${EXACT}])`,
  "VariableDeclarator[init.name='Math'] > Identifier.id",
  "VariableDeclarator[init.name='Math'] > ObjectPattern > RestElement",
  ":not(MemberExpression, VariableDeclarator) > Identifier[name='Math']",
  "BinaryExpression[operator='**']",
  "AssignmentExpression[operator='**=']",
].map((selector) => ({ selector, message: "Differs between engines: use polynomials.ts, or products" }));

export default defineConfig(
  globalIgnores([
    "**/artifacts/",
    "cache/",
    "coverage/",
    "typechain-types/",
    "demo-out/",
    "bench-out/",
    "**/dist/",
    "packages/sdk/src/bindings/",
    "packages/training/assembly/",
    // written by Ponder
    "**/ponder-env.d.ts",
  ]),
  {
    files: ["**/*.ts", "**/*.tsx"],
    extends: [eslint.configs.recommended, tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    // What a rule forbids is changed, not excused
    linterOptions: { noInlineConfig: true },
    rules: {
      eqeqeq: "error",
      "no-restricted-properties": [
        "error",
        ...["describe", "it"].flatMap((object) => ["only", "skip"].map((property) => ({ object, property }))),
      ],
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/no-unnecessary-type-arguments": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      // An interface may ask for a promise where nothing is awaited
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowArray: true }],
    },
  },
  {
    // A package is imported by its name, so that only what it exports is used
    files: ["**/*.ts", "**/*.tsx"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              regex: "^\\.{1,2}/(.*/)?(sdk|operator|economy|training|network|cli)/(src|dist)/",
              message: "Import the package by its name",
            },
          ],
        },
      ],
    },
  },
  {
    // What ships stands on packages alone; the committed bindings carry bytecode
    files: ["packages/*/src/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              regex:
                "^(\\.\\./)+(sdk|operator|economy|training|network|cli|dist|typechain-types|deployments|lab|test|scripts|deploy)(/|$)",
              message: "Import packages by name, and nothing else outside of this one",
            },
          ],
        },
      ],
    },
  },
  {
    // The SDK runs in browsers; only its ./node does not
    files: ["packages/sdk/src/**/*.ts"],
    ignores: ["packages/sdk/src/node/**"],
    rules: { "no-restricted-globals": ["error", "Buffer", "process", "global", "require", "__dirname", "__filename"] },
  },
  {
    files: ["packages/*/src/**/*.ts"],
    ignores: ["packages/sdk/src/ethers/logs.ts"],
    rules: { "no-restricted-syntax": ["error", LOGS] },
  },
  {
    // A round gives the same bytes on every machine
    files: ["packages/training/src/**/*.ts"],
    rules: { "no-restricted-syntax": ["error", LOGS, ...INEXACT] },
  },
);
