import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

import { SIGNER_STEPS } from "@turingfog/network";
import { expect } from "chai";

const SOURCES = path.join(__dirname, "../../src");
const FOLDERS = ["signer", "chain", "http"];

describe("the steps of a signer", () => {
  it("are each reached at one place in the sources, and all that are reached are listed", () => {
    const files = FOLDERS.flatMap((folder) =>
      readdirSync(path.join(SOURCES, folder), { recursive: true, encoding: "utf8" }).map((file) =>
        path.join(folder, file),
      ),
    );
    const reached = files
      .filter((file) => file.endsWith(".ts"))
      .flatMap((file) => Array.from(readFileSync(path.join(SOURCES, file), "utf8").matchAll(/\bstep\("([^"]+)"\)/g)))
      .map(([, name]) => name);
    expect(reached.sort()).to.deep.equal([...SIGNER_STEPS].sort());
  });
});
