import eslint from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

export default defineConfig(
  globalIgnores(["**/artifacts/", "cache/", "coverage/", "typechain-types/", "demo-out/", "bench-out/", "**/dist/", "packages/sdk/src/bindings/"]),
  {
    files: ["**/*.ts"],
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
);
