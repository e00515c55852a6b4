import { readFile, stat } from "node:fs/promises";
import path from "node:path";

import { expect } from "chai";
import { Wallet } from "ethers";

import { CommandProcess } from "../../../test/helpers/otherChain";
import { temporaryFolder } from "../../../test/helpers/tuLogs";

const TURINGFOG_PASSPHRASE = "correct horse battery";

describe("keystore", () => {
  for (const verb of ["create", "import"]) {
    it(`${verb} writes a key that the passphrase opens, for nobody else to read, and never over a file`, async () => {
      const { address, privateKey } = Wallet.createRandom();
      const out = path.join(temporaryFolder(), "key.json");
      const env = { TURINGFOG_PASSPHRASE, TURINGFOG_PRIVATE_KEY: privateKey };
      const run = (...args: string[]) => CommandProcess.start(`keystore ${verb}`, ["--out", out, ...args], env).outcome;
      const { code, stdout, stderr } = await run("--json");
      expect(code, stderr).to.equal(0);
      const written = await readFile(out, "utf8");
      const { address: found } = await Wallet.fromEncryptedJson(written, TURINGFOG_PASSPHRASE);
      expect(JSON.parse(stdout)).to.deep.equal({ address: found, file: out });
      expect(found === address).to.equal(verb === "import");
      expect((await stat(out)).mode & 0o777).to.equal(0o600);

      const again = await run();
      expect(again).to.deep.include({
        code: 1,
        stderr: `${out} exists and is not overwritten: choose another --out\n`,
      });
      expect(await readFile(out, "utf8")).to.equal(written);
    });
  }

  it("refuses a short passphrase, and asks for none where there is no terminal", async () => {
    const out = path.join(temporaryFolder(), "key.json");
    const run = (env: Record<string, string>) => CommandProcess.start("keystore create", ["--out", out], env).outcome;
    expect(await run({ TURINGFOG_PASSPHRASE: "short" })).to.deep.include({
      code: 1,
      stderr: "The passphrase is too short: expected at least 12 characters\n",
    });
    const { code, stderr } = await run({});
    expect(code).to.equal(1);
    expect(stderr).to.equal('There is no terminal to ask on ("Passphrase:"): set TURINGFOG_PASSPHRASE\n');
  });
});
