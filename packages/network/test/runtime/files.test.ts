import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import {
  checkDisk,
  ConfigError,
  DiskError,
  freeShare,
  KeyFileError,
  LEAST_FREE,
  listenConfig,
  pathConfig,
  readConfig,
  readKey,
} from "@turingfog/network";
import { expect } from "chai";
import { Wallet } from "ethers";
import { z } from "zod";

const KEY = `0x${"11".repeat(32)}`;

async function withFolder(
  test: (write: (name: string, text: string, mode?: number) => string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), "turingfog-files-"));
  const write = (name: string, text: string, mode = 0o600) => {
    const file = path.join(folder, name);
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  };
  try {
    await test(write);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("Key files", () => {
  it("gives the key of a file that only its owner can read", async () => {
    await withFolder(async (write) => {
      const { address } = await readKey(write("a.key", `${KEY}\n`));
      expect(address).to.equal(new Wallet(KEY).address);
    });
  });

  for (const mode of [0o640, 0o604, 0o620, 0o610]) {
    it(`refuses one of mode ${mode.toString(8)}, without a word of what it has`, async () => {
      await withFolder(async (write) => {
        const file = write("a.key", KEY, mode);
        const error: unknown = await readKey(file).catch((reason: unknown) => reason);
        expect(error).to.be.an.instanceOf(KeyFileError);
        expect(String(error)).to.include(`chmod 600 ${file}`).and.not.to.include("1111");
      });
    });
  }

  it("says that there is none", async () => {
    await expect(readKey("/nowhere/a.key")).to.be.rejectedWith(KeyFileError, "is not there");
  });
});

describe("Configuration files", () => {
  const schema = z.strictObject({ monitor: listenConfig, store: pathConfig });

  it("reads JSON5, with paths relative to the file", async () => {
    await withFolder(async (write) => {
      const file = write("a.json5", "{ monitor: { port: 0 }, store: 'a.sqlite' } // ours");
      const config = await readConfig(file, schema);
      expect(config).to.deep.equal({
        monitor: { host: "127.0.0.1", port: 0 },
        store: path.join(path.dirname(file), "a.sqlite"),
      });
    });
  });

  for (const [text, field, words] of [
    ["{ monitor: { port: 65536 }, store: 'a' }", "monitor.port", "65536"],
    ["{ monitor: { port: 1 } }", "store", "nothing"],
    ["{ monitor: { port: 1 }, store: 'a', more: 1 }", "", "more"],
    ["{ monitor", "", "is not JSON5"],
  ]) {
    it(`refuses ${text}, naming file, field and value`, async () => {
      await withFolder(async (write) => {
        const file = write("a.json5", text);
        const error = (await readConfig(file, schema).catch((reason: unknown) => reason)) as ConfigError;
        expect(error).to.be.an.instanceOf(ConfigError);
        expect([error.file, error.field]).to.deep.equal([file, field]);
        expect(error.message).to.include(file).and.to.include(words);
      });
    });
  }
});

describe("Disk", () => {
  it("passes at the share that must be free, and refuses below it", async () => {
    expect(LEAST_FREE).to.equal(0.1);
    const free = await freeShare(tmpdir());
    await checkDisk(tmpdir(), free / 2);
    await expect(checkDisk(tmpdir(), Math.min(1, free * 1.5) + 0.01)).to.be.rejectedWith(
      DiskError,
      "free, must be at least",
    );
  });
});
