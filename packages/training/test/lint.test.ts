import path from "node:path";

import { expect } from "chai";
import { ESLint, Linter } from "eslint";
import { parser } from "typescript-eslint";

/** A source of the trainer, whose rules the texts are held to. */
const SOURCE = path.join(__dirname, "../src/polynomials.ts");

const RULE = "no-restricted-syntax";

/** Returns what the rule says about each text. */
async function complaints(texts: readonly string[]): Promise<string[][]> {
  const { rules } = (await new ESLint().calculateConfigForFile(SOURCE)) as Linter.Config;
  const config = { languageOptions: { parser }, rules: { [RULE]: rules?.[RULE] } } as Linter.Config;
  const linter = new Linter();
  return texts.map((text) => linter.verify(text, [config]).map(({ message }) => message));
}

const REFUSED = [
  ...["exp", "expm1", "log", "log2", "pow", "sin", "cos", "tanh", "cosh", "cbrt", "hypot", "random"].map(
    (name) => `export const x = Math.${name}(2);`,
  ),
  'export const x = Math["exp"](2);',
  "export const key = 'fround'; export const x = Math[key](2);",
  "const { exp } = Math; export const x = exp(2);",
  "const { exp: fround } = Math; export const x = fround(2);",
  "const { fround, ...rest } = Math; export const x = rest.exp(fround(2));",
  "const m = Math; export const x = m.exp(2);",
  "export const f = (m = Math) => m.exp(2);",
  "export const x = [Math].map((m) => m.exp(2));",
  "export const f = (x) => x ** 0.5;",
  "export const f = (x) => (x **= 2);",
];

describe("the linter of the trainer", () => {
  it("refuses what gives other bits in another engine", async () => {
    const found = await complaints(REFUSED);
    for (const [i, messages] of found.entries()) {
      expect(messages, REFUSED[i]).to.deep.equal(["Differs between engines: use polynomials.ts, or products"]);
    }
  });

  it("takes what gives the same bits everywhere", async () => {
    const exact = ["abs", "ceil", "floor", "fround", "imul", "max", "min", "round", "sqrt"];
    const code = exact.map((name) => `export const ${name} = Math.${name}(2, 3);`).join("\n");
    const all = `${code}\nconst { fround: f } = Math;\nexport const x = f(2) * f(3);`;
    expect(await complaints([all])).to.deep.equal([[]]);
  });
});
