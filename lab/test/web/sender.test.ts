import { expect } from "chai";
import { makeError, type Signer, type TransactionReceipt } from "ethers";

import type * as PaymentRefs from "../../../apps/web/src/wallet/paymentRefs";
import type * as Sender from "../../../apps/web/src/wallet/sender";
import { pageModule } from "./pageModule";

const { sendAll } = pageModule<typeof Sender>("wallet/sender.ts");
const { PaymentRefs: Refs } = pageModule<typeof PaymentRefs>("wallet/paymentRefs.ts");

const [SENT, INSTEAD] = ["0x1e", "0x2e"];
const CALLS = { calls: [{ to: "0x", data: "0x" }] };

/** A wallet whose owner has another transaction mined in the place of what is sent. */
function replacing(reason: "cancelled" | "replaced" | "repriced", status = 1): Signer {
  const receipt = { hash: INSTEAD, status, from: "0x", to: "0x" } as TransactionReceipt;
  const wait = async () => {
    const info = { cancelled: reason !== "repriced", reason, hash: INSTEAD, receipt, replacement: {} as never };
    throw makeError("transaction was replaced", "TRANSACTION_REPLACED", info);
  };
  return { sendTransaction: async () => ({ hash: SENT, wait }) } as unknown as Signer;
}

describe("the page's sender", () => {
  it("takes a transaction that was sped up in the wallet for done", async () => {
    expect(await sendAll(replacing("repriced"), CALLS)).to.equal(INSTEAD);
  });

  for (const [what, signer, words] of [
    ["was sped up and has failed", replacing("repriced", 0), /reverted/],
    ["was cancelled", replacing("cancelled"), /0x1e was cancelled in the wallet: 0x2e took its place/],
    ["was replaced", replacing("replaced"), /0x1e was replaced by one that does something else: 0x2e took its place/],
  ] as const) {
    it(`fails in words, with the hash, if a transaction ${what}`, async () => {
      const error = await sendAll(signer, CALLS).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(Error).and.have.property("message").that.matches(words);
      expect(error).to.have.property("transaction", SENT);
    });
  }

  it("pays what is filled in under one reference, and what is filled in otherwise under another", () => {
    const refs = new Refs();
    const ref = refs.of("7", 5n, "");
    expect(ref).to.match(/^0x[\da-f]{64}$/);
    expect(refs.of("7", 6n, "")).not.to.equal(ref);
    expect(refs.of("7", 5n, "")).to.equal(ref);
    expect(new Refs().of("7", 5n, "")).not.to.equal(ref);
  });
});
