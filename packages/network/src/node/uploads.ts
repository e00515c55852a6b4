import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import path from "node:path";

import { RefusedError } from "../http/index.js";
import { step } from "../runtime/index.js";
import { openPassage } from "./orderFiles.js";

/** The most uploads to one order at a time. */
export const MAX_UPLOADS = 2;

export const UPLOAD_STEPS = ["node.bundle.before-store", "node.bundle.stored"] as const;

/** A bundle that somebody hands in. */
export interface Upload {
  orderId: bigint;
  jobHash: string;
  /** Address of whom it comes from. */
  sender: string;
  /** Bytes, as the request announces them. */
  length: number | undefined;
  body: AsyncIterable<Uint8Array>;
}

/**
 * Takes bundles without a login: exactly the bytes that an order names by their hash. What comes lies in quarantine until
 * its hash fits. Two may come for an order at a time, of different addresses, so that one stranger does not keep the renter
 * out.
 */
export class Uploads {
  private readonly running = new Map<bigint, string[]>();

  /** @param folderOf returns an order's folder */
  constructor(
    private readonly folderOf: (orderId: bigint) => string,
    private readonly maxBytes: number,
  ) {}

  /** Returns the file of an order's bundle; undefined if it is not there yet. */
  bundleOf(orderId: bigint): string | undefined {
    const file = this.fileOf(orderId);
    return existsSync(file) ? file : undefined;
  }

  /**
   * Takes a bundle; one that is there already is not read again.
   * @throws RefusedError; nothing stays of the bundle then
   */
  async receive(upload: Upload): Promise<"taken" | "known"> {
    const { orderId, sender, length } = upload;
    if (this.bundleOf(orderId) !== undefined) return "known";
    if (length === undefined) throw new RefusedError(411, "no-length", "A bundle comes with its content-length");
    if (length > this.maxBytes) {
      throw new RefusedError(413, "too-large", `The bundle has ${length} bytes, this node takes ${this.maxBytes}`);
    }
    const running = this.running.get(orderId) ?? [];
    if (running.length >= MAX_UPLOADS || running.includes(sender)) {
      throw new RefusedError(429, "busy", `Order ${orderId} gets ${running.length} bundles already: try again later`);
    }
    this.running.set(orderId, [...running, sender]);
    try {
      await this.store(upload);
      return "taken";
    } finally {
      const left = [...(this.running.get(orderId) ?? [])];
      left.splice(left.indexOf(sender), 1);
      if (left.length === 0) this.running.delete(orderId);
      else this.running.set(orderId, left);
    }
  }

  private async store({ orderId, jobHash, length, body }: Upload): Promise<void> {
    const folder = this.folderOf(orderId);
    await openPassage(folder);
    const quarantine = path.join(folder, `upload-${randomUUID()}`);
    step("node.bundle.before-store");
    const handle = await open(quarantine, "wx", 0o600);
    try {
      const hash = createHash("sha256");
      let bytes = 0;
      for await (const chunk of body) {
        bytes += chunk.length;
        if (bytes > (length as number)) throw new RefusedError(400, "wrong-length", `More than ${length} bytes came`);
        hash.update(chunk);
        await handle.writeFile(chunk);
      }
      const found = `0x${hash.digest("hex")}`;
      if (found !== jobHash) {
        throw new RefusedError(422, "wrong-hash", `The SHA-256 is ${found}, order ${orderId} names ${jobHash}`);
      }
      await handle.sync();
      await rename(quarantine, this.fileOf(orderId));
    } finally {
      await handle.close();
      await rm(quarantine, { force: true });
    }
    step("node.bundle.stored");
  }

  private fileOf(orderId: bigint): string {
    return path.join(this.folderOf(orderId), "bundle.age");
  }
}
