import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { RefusedError, Uploads } from "@turingfog/network";
import { expect } from "chai";

const BUNDLE = Buffer.alloc(1_000, "bundle");
const JOB_HASH = `0x${createHash("sha256").update(BUNDLE).digest("hex")}`;

async function withUploads(use: (uploads: Uploads, folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "turingfog-uploads-"));
  try {
    await use(new Uploads((orderId) => path.join(folder, String(orderId)), BUNDLE.length), folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function* chunks(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content.subarray(0, 600);
  yield content.subarray(600);
}

/** A body that comes once it is let. */
function held(content: Uint8Array): { body: AsyncIterable<Uint8Array>; letGo: () => void } {
  let letGo: () => void = () => undefined;
  const free = new Promise<void>((resolve) => (letGo = resolve));
  async function* body() {
    await free;
    yield content;
  }
  return { body: body(), letGo };
}

const upload = (sender: string, body: AsyncIterable<Uint8Array>, length: number | undefined = BUNDLE.length) => ({
  orderId: 5n,
  jobHash: JOB_HASH,
  sender,
  length,
  body,
});

async function refusalOf(receiving: Promise<unknown>): Promise<string> {
  const error = await receiving.catch((thrown: unknown) => thrown);
  return error instanceof RefusedError ? `${error.status} ${error.error}` : String(error);
}

describe("Uploads", () => {
  it("take a bundle at the limit, and do not read it again", async () => {
    await withUploads(async (uploads) => {
      expect(await uploads.receive(upload("a", chunks(BUNDLE)))).to.equal("taken");
      expect(await readFile(uploads.bundleOf(5n) ?? "")).to.deep.equal(BUNDLE);
      expect(await uploads.receive(upload("b", chunks(Buffer.alloc(9))))).to.equal("known");
    });
  });

  it("refuse one above the limit, or of no length, before a byte is read", async () => {
    await withUploads(async (uploads, folder) => {
      expect(await refusalOf(uploads.receive(upload("a", chunks(BUNDLE), BUNDLE.length + 1)))).to.equal(
        "413 too-large",
      );
      const unknown = { ...upload("a", chunks(BUNDLE)), length: undefined };
      expect(await refusalOf(uploads.receive(unknown))).to.equal("411 no-length");
      expect(await readdir(folder)).to.deep.equal([]);
    });
  });

  it("leave nothing of bytes with another hash, or of more bytes than announced", async () => {
    await withUploads(async (uploads, folder) => {
      const wrong = Buffer.alloc(1_000, "other");
      expect(await refusalOf(uploads.receive(upload("a", chunks(wrong))))).to.equal("422 wrong-hash");
      expect(await refusalOf(uploads.receive(upload("a", chunks(BUNDLE), 999)))).to.equal("400 wrong-length");
      expect(await readdir(path.join(folder, "5"))).to.deep.equal([]);
      expect(uploads.bundleOf(5n)).to.equal(undefined);
    });
  });

  it("let two come for an order at a time, of two addresses, so that a stranger does not keep the renter out", async () => {
    await withUploads(async (uploads) => {
      const [slow, second, third] = [held(Buffer.alloc(1_000)), held(BUNDLE), held(BUNDLE)];
      const stranger = refusalOf(uploads.receive(upload("stranger", slow.body)));
      expect(await refusalOf(uploads.receive(upload("stranger", third.body)))).to.equal("429 busy");
      const renter = uploads.receive(upload("renter", second.body));
      expect(await refusalOf(uploads.receive(upload("another", third.body)))).to.equal("429 busy");
      second.letGo();
      expect(await renter).to.equal("taken");
      slow.letGo();
      expect(await stranger).to.equal("422 wrong-hash");
      expect(await readFile(uploads.bundleOf(5n) ?? "")).to.deep.equal(BUNDLE);
    });
  });
});
