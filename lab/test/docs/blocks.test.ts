import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";

import { readPages, ROOT } from "./pages";
import { PROGRAMS } from "./programs";
import { type Given, World } from "./world";

/** Sections whose `sh` blocks run, and what stands before the first of them. */
const RUN: Record<string, Given> = {
  "README.md#deploying": "an empty chain",
  "docs/deploying.md#rehearse-first": "an empty chain",
  "docs/runbooks.md#2-testnet": "an empty chain",
  "docs/tu.md#rating-a-gpu": "an empty chain",
  "docs/deploying.md#verifying-and-accepting": "a deployment",
  "docs/governing.md#from-schedule-to-execute": "a deployment",
  "docs/governing.md#the-guardian": "a deployment",
  "docs/runbooks.md#key-compromise": "a deployment",
  "docs/runbooks.md#rotating-the-signers": "a deployment",
  "docs/runbooks.md#stop-an-asset": "a deployment",
  "docs/runbooks.md#operations-unpaid": "a deployment",
};

/** Sections whose `sh` blocks do not run here, and why. Their command lines are held against the help of the programs. */
const NOT_RUN: Record<string, string> = {
  "README.md#turingfog": "installs, and runs every test",
  "CONTRIBUTING.md#building-and-testing": "installs, and runs every test",
  "docs/assurance.md#running-it-again": "takes an hour",
  "docs/runbooks.md#1-rehearsal": "takes an hour",
  "docs/runbooks.md#keys": "installs a plugin with native parts",
  "docs/runbooks.md#by-a-multisig": "needs a chain that has the deployment proxy",
  "docs/runbooks.md#bad-root": "needs a root, and a freeze in between",
  "docs/runbooks.md#false-attestation": "needs a node and a pending rating",
  "docs/runbooks.md#frozen-attestations": "needs a node and a quorum's signatures",
  "docs/indexing.md#from-nothing-to-serving": "installs, and serves until it is ended; run by lab/test/index.test.ts",
  "docs/indexing.md#audit": "needs an index; run by lab/test/index.test.ts",
  "docs/tu.md#attesting": "needs a node and a quorum's signatures",
  "docs/tu.md#the-commands": "needs a GPU and Docker",
  "docs/deploying.md#the-auctions-fillers": "needs pools of Uniswap",
  "docs/operators/README.md#in-a-container": "fetches an image from a registry",
  "docs/operators/gateway.md#from-nothing-to-running": "run by packages/network/test/gateway and lab/gateway",
  "docs/operators/gateway.md#what-to-watch": "run by packages/network/test/gateway",
  "docs/operators/keeper.md#from-nothing-to-running": "run by packages/network/test/keeper",
  ...Object.fromEntries(
    [
      "every-role-on-one-machine",
      "the-deployer",
      "the-signers",
      "the-miner",
      "the-keeper",
      "the-guardian",
      "the-renter",
    ]
      .concat("what-came-of-it")
      .map((section) => [`docs/operators/local.md#${section}`, "takes nine minutes; run by npm run local"]),
  ),
  "docs/operators/node.md#a-node-on-the-chain":
    "needs a GPU; run by packages/cli/test/{benchmark,fleet,attest}.test.ts",
  "docs/operators/node.md#attestation": "run by packages/network/test/attesting.test.ts",
  "docs/operators/node.md#seeing-and-claiming-what-is-earned": "run by packages/cli/test/earning.test.ts",
  "docs/operators/node.md#from-nothing-to-running": "run by packages/network/test/orderEndToEnd.test.ts",
  "docs/operators/relay.md#from-nothing-to-running": "run by packages/network/test/relay",
  "docs/operators/renter.md#finding-a-node": "run by packages/cli/test/renting.test.ts, and by earning.test.ts there",
  "docs/operators/renter.md#from-nothing-to-a-result": "run by packages/network/test/orderEndToEnd.test.ts",
  "docs/operators/signer.md#from-nothing-to-running": "run by packages/network/test/orderEndToEnd.test.ts",
  "docs/operators/watch.md#from-nothing-to-running": "run by packages/network/test/watch",
  "docs/training.md#a-run-on-one-machine": "needs data; run by packages/cli/test/train.test.ts",
  "docs/web.md#serving-it": "needs hosts of your own; built by lab/test/web/size.test.ts",
  "test/invariant/README.md#stateful-invariants": "takes half an hour",
  "test/model/README.md#reference-model": "takes half an hour",
};

const BLOCKS = readPages().flatMap(({ blocks }) => blocks);
const SHELL = BLOCKS.filter(({ language }) => language === "sh");

describe("the blocks of the documentation", () => {
  it("all run, or are listed with a reason", () => {
    const sections = new Set(SHELL.map(({ section }) => section));
    expect([...Object.keys(RUN), ...Object.keys(NOT_RUN)]).to.have.members([...sections]);
  });

  for (const given of ["an empty chain", "a deployment"] as const) {
    describe(`on ${given} [slow]`, () => {
      const made: { world?: World } = {};
      before(async () => {
        made.world = await World.start(given);
      });
      after(async () => made.world?.stop());

      for (const [section] of Object.entries(RUN).filter(([, each]) => each === given)) {
        it(`run: ${section}`, async () => {
          const world = made.world as World;
          await world.reset();
          const blocks = SHELL.filter((block) => block.section === section);
          for (const line of blocks.flatMap(({ text }) => text.split("\n"))) {
            const { code, stdout, stderr } = await world.run(line);
            expect(code, `${line}\n${stdout}${stderr}`).to.equal(0);
          }
        });
      }

      if (given === "a deployment") {
        it("compile and run as programs", async () => {
          await runPrograms(made.world as World);
        });
      }
    });
  }
});

async function runPrograms(world: World): Promise<void> {
  const programs = BLOCKS.filter(({ language }) => language === "ts");
  expect(programs.map(({ section }) => section)).to.have.members(Object.keys(PROGRAMS));

  await world.reset();
  const folder = path.join(world.folder, "programs");
  await mkdir(folder);
  await writeFile(path.join(folder, "package.json"), '{ "type": "module" }');
  for (const [i, { section, text }] of programs.entries()) {
    const { before, after } = PROGRAMS[section];
    const block = (await world.bind(text)).replace(/^import .*$/gm, "");
    const imports = text.match(/^import .*$/gm) ?? [];
    await writeFile(path.join(folder, `${i}.ts`), [...imports, before, block, after].join("\n"));
  }
  const tsc = path.join(ROOT, "node_modules/typescript/bin/tsc");
  const options = "--module nodenext --target es2022 --strict --skipLibCheck --types node --noEmitOnError".split(" ");
  const files = programs.map((_, i) => path.join(folder, `${i}.ts`));
  const compiled = await promisify(execFile)(process.execPath, [tsc, ...options, ...files], {
    cwd: world.folder,
  }).catch(({ stdout }: { stdout: string }) => ({ stdout }));
  expect(compiled.stdout).to.equal("");
  for (const [i, { section }] of programs.entries()) {
    const { code, stderr } = await world.bash(`node programs/${i}.js`);
    const { failsWith } = PROGRAMS[section];
    if (failsWith === undefined) expect(code, `${section}: ${stderr}`).to.equal(0);
    else expect(stderr, section).to.contain(failsWith);
  }
}
