import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";

import { newAgeKey, NOTHING_USED, OrderFiles, unpackBundle } from "@turingfog/network";
import { expect } from "chai";

import { inFolder } from "../helpers/folders";
import { JOB_OF_TESTS } from "../helpers/jobs";

const ENDED = { ...NOTHING_USED, phase: "ended", outcome: { kind: "exited", code: 0 } } as const;

/** Seals what a run has left, and returns the names of what its renter unpacks, with the text of one of them. */
async function sealed(fill: (output: string) => Promise<void> | void, name: string) {
  let found: { names: string[]; text: string } | undefined;
  await inFolder(async (folder) => {
    const files = new OrderFiles(folder);
    const output = path.join(files.run, "output");
    await mkdir(output, { recursive: true });
    await writeFile(path.join(output, "answer"), "42");
    await fill(output);
    const renter = await newAgeKey();
    await files.seal({ ...JOB_OF_TESTS, resultTo: renter.recipient }, ENDED);
    const fresh = path.join(folder, "fresh");
    await unpackBundle(files.result, renter.identity, fresh, 1_048_576);
    found = { names: (await readdir(fresh)).sort(), text: await readFile(path.join(fresh, name), "utf8") };
    // too long a path for what removes the folder
    execFileSync("rm", ["-r", files.run]);
  });
  return found;
}

describe("A result", () => {
  it("has what a run has left for it", async () => {
    const result = await sealed(() => undefined, "output/answer");
    expect(result?.names).to.include("output").and.not.include("no-output.txt");
    expect(result?.text).to.equal("42");
  });

  it("says why it has nothing of a run that has left what nobody can read, and is sealed all the same", async () => {
    const program = `for (let i = 0; i < 30; ++i) {
      require("fs").mkdirSync("x".repeat(200));
      process.chdir("x".repeat(200));
    }
    require("fs").writeFileSync("hidden", "");`;
    const leave = (output: string) => void execFileSync(process.execPath, ["-e", program], { cwd: output });
    const result = await sealed(leave, "no-output.txt");
    expect(result?.names).to.include("run.json").and.not.include("output");
    expect(result?.text).to.contain("ENAMETOOLONG");
  });
});
