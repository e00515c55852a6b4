import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect } from "chai";
import { encryptKeystoreJsonSync, Wallet } from "ethers";
import { ethers } from "hardhat";

import {
  addressOf,
  type KeySource,
  KeystoreError,
  loadWallet,
  MalformedKeyError,
  NoKeyError,
} from "@turingfog/operator";
import { redact } from "@turingfog/sdk/node";

const PASSPHRASE = "a passphrase of some length";
const { address, privateKey } = new Wallet(`0x${"5e".repeat(32)}`);

/** A directory with a keystore that opens fast, since it is not to withstand anyone. */
async function withKeystore(use: (file: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), "turingfog-keystore-"));
  const file = path.join(directory, "key.json");
  await writeFile(file, encryptKeystoreJsonSync({ address, privateKey }, PASSPHRASE, { scrypt: { N: 2 } }));
  await use(file).finally(() => rm(directory, { recursive: true }));
}

const load = (source: Partial<KeySource>) => loadWallet({ isLocal: false, env: {}, ...source }, ethers.provider);

/** What an error says, with everything that hangs on it. */
async function saidBy(loading: Promise<unknown>): Promise<string> {
  const error: unknown = await loading.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).to.be.instanceOf(Error);
  const { message, stack, cause } = error as Error;
  return [message, stack, String(cause), JSON.stringify(error)].join("\n");
}

describe("deployment signer", () => {
  describe("loadWallet", () => {
    it("refuses when there is no key", async () => {
      await expect(load({})).to.be.rejectedWith(NoKeyError, "give --keystore FILE, or set TURINGFOG_KEYSTORE");
    });

    for (const key of [privateKey.slice(0, -1), `${privateKey}00`, `0x${"zz".repeat(32)}`, "correct horse battery"]) {
      it(`refuses a malformed key of ${key.length} characters, and does not repeat it`, async () => {
        const loading = load({ env: { TURINGFOG_PRIVATE_KEY: key } });
        await expect(loading).to.be.rejectedWith(MalformedKeyError, "expected 0x followed by 64 hex digits");
        expect(await saidBy(loading)).to.not.contain(key);
      });
    }

    it("refuses a keystore that is not there", async () => {
      await expect(load({ keystore: "/nowhere/key.json" })).to.be.rejectedWith(
        KeystoreError,
        "The keystore /nowhere/key.json cannot be opened: there is no such file",
      );
    });

    it("refuses a file that is no keystore", async () => {
      await expect(load({ keystore: __filename })).to.be.rejectedWith(
        KeystoreError,
        "it is not an encrypted JSON keystore",
      );
    });

    it("refuses a wrong passphrase, and repeats neither it nor the right one nor the key", async () => {
      await withKeystore(async (keystore) => {
        const loading = load({ keystore, env: { TURINGFOG_PASSPHRASE: "a wrong passphrase" } });
        await expect(loading).to.be.rejectedWith(KeystoreError, "the passphrase is wrong, or the file is damaged");
        const said = await saidBy(loading);
        for (const secret of ["a wrong passphrase", PASSPHRASE, privateKey.slice(2)])
          expect(said).to.not.contain(secret);
      });
    });

    it("opens a keystore with the passphrase of the environment", async () => {
      await withKeystore(async (keystore) => {
        const wallet = await load({ keystore, env: { TURINGFOG_PASSPHRASE: PASSPHRASE } });
        expect(wallet.address).to.equal(address);
      });
    });

    it("opens the keystore of the environment, asking for the passphrase", async () => {
      await withKeystore(async (file) => {
        const asked: string[] = [];
        const ask = (question: string) => Promise.resolve((asked.push(question), PASSPHRASE));
        const wallet = await load({ env: { TURINGFOG_KEYSTORE: file, TURINGFOG_PRIVATE_KEY: "unused" }, ask });
        expect(wallet.address).to.equal(address);
        expect(asked).to.deep.equal([`Passphrase of ${file}: `]);
      });
    });

    it("takes a private key from the environment, and has it hidden from then on", async () => {
      const wallet = await load({ env: { TURINGFOG_PRIVATE_KEY: privateKey } });
      expect(wallet.address).to.equal(address);
      for (const text of [privateKey, privateKey.slice(2), privateKey.toUpperCase()]) {
        expect(redact(`failed with ${text}.`)).to.match(/^failed with (0X)?\[private key\]\.$/);
      }
    });

    it("takes a private key from a keystore, and has it hidden from then on", async () => {
      const secret = `0x${"6f".repeat(32)}`;
      const wallet = new Wallet(secret);
      const source = { address: wallet.address, privateKey: secret };
      const keystore = encryptKeystoreJsonSync(source, PASSPHRASE, { scrypt: { N: 2 } });
      await withKeystore(async (file) => {
        await writeFile(file, keystore);
        expect(redact(secret)).to.equal(secret);
        await load({ keystore: file, env: { TURINGFOG_PASSPHRASE: PASSPHRASE } });
        expect(redact(secret)).to.equal("[private key]");
      });
    });

    it("takes the first account of every Hardhat node on a local network alone", async () => {
      const [first] = await ethers.getSigners();
      expect((await load({ isLocal: true })).address).to.equal(first.address);
    });
  });

  describe("addressOf", () => {
    it("needs no passphrase", async () => {
      await withKeystore(async (keystore) => {
        expect(await addressOf({ keystore, isLocal: false, env: {} })).to.equal(address);
      });
    });

    it("is unknown where there is no key", async () => {
      expect(await addressOf({ isLocal: false, env: {} })).to.equal(undefined);
    });
  });
});
