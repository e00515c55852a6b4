import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { InvalidMessageError } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { VECTORS, vectors } from "../../../../scripts/vectors";
import { CASES } from "./messages";

describe("docs/operators/vectors", () => {
  it("are what the formats write", async () => {
    const written = await vectors();
    expect(readdirSync(VECTORS).sort(), "npm run vectors").to.deep.equal(Object.keys(written).sort());
    for (const [name, content] of Object.entries(written)) {
      expect(readFileSync(path.join(VECTORS, name), "utf8"), `${name}: npm run vectors`).to.equal(content);
    }
  });

  it("name texts that are all refused", () => {
    const refused = JSON.parse(readFileSync(path.join(VECTORS, "refused.json"), "utf8")) as {
      format: string;
      change: string;
      text: string;
    }[];
    for (const { format: name, change: what, text } of refused) {
      const found = CASES.find(({ format }) => format.name === name);
      expect(() => found?.format.decode(text), what).to.throw(InvalidMessageError);
    }
  });
});
