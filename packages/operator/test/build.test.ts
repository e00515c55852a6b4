import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { NoBuildError, readBuild, StaleBuildError } from "@turingfog/operator";
import { expect } from "chai";

const SOURCE = "contracts/TFT.sol";

/** Runs with a build of one contract, and a checkout that has the contract with the given content. */
async function withCheckout(content: string | undefined, use: (file: string, checkout: string) => Promise<void>) {
  const checkout = await mkdtemp(path.join(tmpdir(), "turingfog-build-"));
  const file = path.join(checkout, "build.json");
  const sources = { [SOURCE]: { content: "contract TFT {}" }, "@openzeppelin/A.sol": { content: "contract A {}" } };
  await writeFile(file, JSON.stringify({ TFT: { abi: [], input: { sources } } }));
  await mkdir(path.join(checkout, "contracts"));
  if (content !== undefined) await writeFile(path.join(checkout, SOURCE), content);
  try {
    await use(file, checkout);
  } finally {
    await rm(checkout, { recursive: true });
  }
}

async function refusalOf(build: Promise<unknown>): Promise<unknown> {
  return build.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("readBuild", () => {
  it("reads a build of the contracts that the checkout has", async () => {
    await withCheckout("contract TFT {}", async (file, checkout) => {
      expect([...(await readBuild(file, checkout)).keys()]).to.deep.equal(["TFT"]);
    });
  });

  for (const [what, content] of [
    ["was changed", "contract TFT { }"],
    ["is gone", undefined],
  ] as const) {
    it(`refuses a build of a contract that ${what}, and says what to do`, async () => {
      await withCheckout(content, async (file, checkout) => {
        const refused = await refusalOf(readBuild(file, checkout));
        expect(refused).to.be.instanceOf(StaleBuildError);
        expect((refused as Error).message).to.equal(
          "The packed build is not of contracts/TFT.sol as it stands: run `npm run compile`",
        );
      });
    });
  }

  it("asks nothing about contracts where npm has installed the package", async () => {
    await withCheckout(undefined, async (file) => {
      expect(await readFile(file, "utf8")).to.contain(SOURCE);
      expect((await readBuild(file, path.join(file, "elsewhere"))).size).to.equal(1);
    });
  });

  it("says what to do where there is none", async () => {
    const refused = await refusalOf(readBuild("nowhere/build.json"));
    expect(refused).to.be.instanceOf(NoBuildError);
    expect((refused as Error).message).to.contain("run `npm run compile`");
  });
});
