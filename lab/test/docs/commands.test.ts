import { expect } from "chai";

import { commandLinesOf, isCommandLine, split } from "./commandLines";
import { Helps, optionsIn } from "./helps";
import { readPages } from "./pages";

/** Options of other programs, which the pages name. */
const FOREIGN = [
  "--rpc.gascap", // geth
  "--hostname", // Hardhat's node
  ...["--format", "--prefix"], // docker, kubectl, tar
  ...["--unshare-all", "--die-with-parent", "--ro-bind", "--bind"], // bubblewrap
  "--jitless", // Node
  ...["--data_name", "--use_fp16", "--tf_xla_auto_jit"], // tf_cnn_benchmarks and TensorFlow
];

describe("the command lines of the documentation", () => {
  const pages = readPages();
  const helps = new Helps();

  for (const page of pages) {
    const lines = commandLinesOf([page]);
    if (lines.length === 0) continue;
    it(`name commands, scripts, tasks and options that exist: ${page.file}`, () => {
      for (const words of lines) expect(helps.faultOf(words), words.join(" ")).to.equal(undefined);
    });
  }

  it("have the options that the text names", () => {
    for (const words of commandLinesOf(pages)) helps.faultOf(words);
    const named = pages.flatMap(({ file, spans }) =>
      spans
        .filter((span) => !isCommandLine(span))
        .flatMap((span) => optionsIn(span).map((option) => ({ file, option }))),
    );
    const unknown = named.filter(({ option }) => !FOREIGN.includes(option) && !helps.knows(option));
    expect(unknown).to.deep.equal([]);
  });

  it("are many", () => {
    expect(commandLinesOf(pages).length).to.be.above(150);
  });

  for (const [line, fault] of [
    ["npm run frob", "no script frob in package.json"],
    ["npm run keystore --out a", "no -- before --out"],
    ["npm run keystore -- --in a", "no --in in the help of turingfog keystore"],
    ["npx turingfog tu frob A", "no frob in the help of turingfog tu"],
    ["npx hardhat test test/none.test.ts", "no test/none.test.ts"],
    ["npx hardhat frob", "Hardhat has no task frob"],
  ] as const) {
    it(`are refused: ${line}`, () => {
      expect(helps.faultOf(line.split(" "))).to.equal(fault);
    });
  }

  it("are split as bash splits them", () => {
    expect(split(["A=1 npm run x -- --a 'b c' # d", "npm ci && npx y > z || npm run q"])).to.deep.equal([
      ["npm", "run", "x", "--", "--a", "b c"],
      ["npm", "ci"],
      ["npx", "y"],
    ]);
  });
});
