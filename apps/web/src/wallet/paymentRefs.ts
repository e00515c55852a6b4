import { hexlify, randomBytes } from "ethers";

/** The references of a form's payments: the escrow takes each once, so that what is sent twice is paid once. */
export class PaymentRefs {
  private readonly drawn = new Map<string, string>();

  /** Returns the reference of what is filled in, which is drawn when it is asked for first. */
  of(...filled: readonly (bigint | string)[]): string {
    const key = filled.join("/");
    const ref = this.drawn.get(key) ?? hexlify(randomBytes(32));
    this.drawn.set(key, ref);
    return ref;
  }
}
