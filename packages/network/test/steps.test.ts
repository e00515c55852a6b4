import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

import { CLAIM_POSTER_STEPS, NODE_STEPS, SIGNER_STEPS, TRAINING_STEPS } from "@turingfog/network";
import { expect } from "chai";

const SOURCES = path.join(__dirname, "../src");

/** Steps by role, those that are reached at a second place, and the folders in whose sources they are. */
const ROLES = {
  signer: { steps: SIGNER_STEPS, again: [], folders: ["signer", "chain", "http"] },
  node: { steps: NODE_STEPS, again: ["node.order.before-store", "node.order.stored"], folders: ["node", "chain"] },
  trainer: { steps: [...CLAIM_POSTER_STEPS, ...TRAINING_STEPS], again: [], folders: ["joint"] },
};

for (const [role, { steps, again, folders }] of Object.entries(ROLES)) {
  describe(`the steps of a ${role}`, () => {
    it("are each reached at one place or two in the sources, and all that are reached are listed", () => {
      const files = folders.flatMap((folder) =>
        readdirSync(path.join(SOURCES, folder), { recursive: true, encoding: "utf8" }).map((file) =>
          path.join(folder, file),
        ),
      );
      const reached = files
        .filter((file) => file.endsWith(".ts"))
        .flatMap((file) => Array.from(readFileSync(path.join(SOURCES, file), "utf8").matchAll(/\bstep\("([^"]+)"\)/g)))
        .map(([, name]) => name);
      expect(reached.sort()).to.deep.equal([...steps, ...again].sort());
    });
  });
}
