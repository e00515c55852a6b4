import { spawnSync } from "node:child_process";

import { NOUNS, turingfog, UsageError, WORDS } from "@turingfog/cli";
import { expect } from "chai";

import { CommandProcess } from "../../../test/helpers/otherChain";
import { printedBy, thrownBy } from "../../../test/helpers/tuLogs";

describe("turingfog --help", () => {
  it("names every noun, and has examples", async () => {
    const printed = await printedBy("--help");
    for (const [noun, { summary }] of Object.entries({ ...NOUNS, ...WORDS }))
      expect(printed).to.match(new RegExp(`${noun} +${summary}`));
    expect(printed).to.match(/\nExamples:\n {2}turingfog /);
  });

  for (const [noun, { verbs }] of Object.entries(NOUNS)) {
    it(`of ${noun} names every verb, and has examples`, async () => {
      const printed = await printedBy(`${noun} --help`);
      expect(printed).to.match(new RegExp(`^Usage: turingfog ${noun} `));
      for (const [verb, { summary }] of Object.entries(verbs)) {
        expect(printed).to.contain(verb).and.contain(summary.split(" ")[0]);
      }
      expect(printed).to.match(/\nExamples:\n {2}\S/);
    });

    for (const verb of Object.keys(verbs)) {
      it(`of ${noun} ${verb} explains it, and has examples of it`, async () => {
        const printed = await printedBy(`${noun} ${verb} --help`);
        expect(printed).to.match(new RegExp(`^Usage: turingfog ${noun} ${verb} `));
        expect(printed).to.match(/\n {2}--json +print JSON alone\n/);
        const examples = printed.split("\nExamples:\n")[1].split("\n");
        for (const line of examples) expect(line).to.contain(`turingfog ${noun} ${verb}`);
      });
    }
  }

  for (const word of Object.keys(WORDS)) {
    it(`of ${word} explains it, and has examples of it`, async () => {
      const printed = await printedBy(`${word} --help`);
      expect(printed).to.match(new RegExp(`^Usage: turingfog ${word} `));
      expect(printed).to.match(/\n {2}--json +print JSON alone\n/);
      for (const line of printed.split("\nExamples:\n")[1].split("\n")) expect(line).to.contain(`turingfog ${word}`);
    });
  }

  it("of a noun loads neither its commands nor what they need", () => {
    const script = `
      require("@turingfog/cli/dist/turingfog.js").turingfog(["guard", "--help"]).then(() => {
        console.error(Object.keys(require.cache).filter((file) => /ethers|commands/.test(file)).length);
      });`;
    const { stderr } = spawnSync(process.execPath, ["-e", script], { cwd: __dirname, encoding: "utf8" });
    expect(stderr).to.equal("0\n");
  });
});

describe("turingfog, called wrongly", () => {
  const verbs = "roots, veto, revoke-node, veto-rating, freeze, thaw";
  const nouns = Object.keys({ ...NOUNS, ...WORDS }).join(", ");
  for (const [words, message] of [
    ["frob", `Unknown command 'frob': expected one of ${nouns}; see turingfog --help`],
    ["guard frob", `Unknown command 'frob': expected one of ${verbs}; see turingfog guard --help`],
    ["guard frob --help", `Unknown command 'frob': expected one of ${verbs}; see turingfog guard --help`],
    ["frob --help", `Unknown command 'frob': expected one of ${nouns}; see turingfog --help`],
    ["guard frob --network sepolia", `Unknown command 'frob': expected one of ${verbs}; see turingfog guard --help`],
    [
      "guard --network sepolia",
      `A command is missing after turingfog guard: expected one of ${verbs}; see turingfog guard --help`,
    ],
    ["tu survey", "Missing required argument 'FOLDER'; see turingfog tu survey --help"],
    [
      "deploy run --parameters deploy/parameters/local.json5",
      "Required option '--network <NAME>' not specified; see turingfog deploy run --help",
    ],
    [
      "deploy plan --network localhost",
      "Required option '--parameters <FILE>' not specified; see turingfog deploy plan --help",
    ],
    [
      "deploy status --netwrok localhost --network localhost",
      "Unknown option '--netwrok' (Did you mean --network?); see turingfog deploy status --help",
    ],
    [
      "govern build frob --network localhost",
      "Command-argument value 'frob' is invalid for argument 'ACTION'. Allowed choices are rotate-signers, " +
        "replace-guardian, list-asset, delist-asset, set-operations; see turingfog govern build --help",
    ],
    [
      "guard thaw --network localhost --safe a.json --keystore b.json",
      "Option '--safe <FILE>' cannot be used with option '--keystore <FILE>'; see turingfog guard thaw --help",
    ],
    ["guard thaw --network localhost --max-fee 1,5", "--max-fee is 1,5, must be gwei as 25 or 0.05"],
    [
      "tu attest LOGS --sign-only --safe a.json --network localhost",
      "Option '--sign-only' cannot be used with option '--safe <FILE>'; see turingfog tu attest --help",
    ],
  ]) {
    it(`says of "${words}" what is expected`, async () => {
      const error = await thrownBy(turingfog(words.split(" ")));
      expect(error).to.be.instanceOf(UsageError).with.property("message", message);
    });
  }

  for (const words of [
    "guard",
    "guard frob",
    "deploy plan --network nowhere --parameters deploy/parameters/local.json5",
  ]) {
    it(`ends "${words}" with 2, and prints nothing on stdout`, async () => {
      const { code, stdout } = await CommandProcess.start(words, []).outcome;
      expect({ code, stdout }).to.deep.equal({ code: 2, stdout: "" });
    });
  }
});
