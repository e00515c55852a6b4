import { createHash, createHmac } from "node:crypto";

/**
 * What a signer draws its samples by: a secret for each interval, which nobody can tell before the signer says it, and which
 * the signer cannot choose after it has committed to it. All are made from one key, so that none is ever lost.
 */
export class Draws {
  /** @param key 32 bytes, the signer's alone */
  constructor(private readonly key: Uint8Array) {}

  /** Returns the secret of an interval, to be published one interval after it. */
  secret(interval: bigint): Buffer {
    return createHmac("sha256", this.key).update(`turingfog draw ${interval}`).digest();
  }

  /** Returns what the signer's document says one interval before. */
  commitment(interval: bigint): string {
    return `0x${createHash("sha256").update(this.secret(interval)).digest("hex")}`;
  }

  /**
   * Draws whether something is sampled.
   * @param interval in which it is drawn
   * @param what names it, in ASCII
   * @param blockHash of a finalized block later than what is sampled, so that neither the signer alone nor the chain's
   * sequencer alone chooses
   * @param oneIn how many of them one is sampled of, on the average
   */
  isDrawn(interval: bigint, what: string, blockHash: string, oneIn: bigint): boolean {
    return isDrawn(this.secret(interval), what, blockHash, oneIn);
  }
}

/** Draws by a secret that was published: anybody can check a signer so. */
export function isDrawn(secret: Uint8Array, what: string, blockHash: string, oneIn: bigint): boolean {
  const hash = createHmac("sha256", secret)
    .update(what)
    .update(Buffer.from(blockHash.slice(2), "hex"))
    .digest();
  return hash.readBigUInt64BE() % oneIn === 0n;
}
