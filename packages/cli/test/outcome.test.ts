import { outcomeLine, outcomeOf } from "@turingfog/cli/dist/lib/steps.js";
import type { Connection, Submitted } from "@turingfog/operator";
import { CHAINS, explorerPage } from "@turingfog/sdk";
import { expect } from "chai";
import { id, type TransactionReceipt } from "ethers";

const HASHES = [id("first"), id("second")];

const connectionTo = (name: string) => ({ name, chain: CHAINS[name], chainId: 0n }) as Connection;

/** Calls that were sent, of which one was found to be done by no transaction of ours. */
const SENT: Submitted = {
  kind: "sent",
  receipts: [...HASHES.map((hash) => ({ hash }) as TransactionReceipt), undefined],
};

describe("an outcome", () => {
  it("has the explorer's pages where the chain has an explorer", () => {
    const outcome = outcomeOf(connectionTo("sepolia"), SENT);
    const pages = HASHES.map((hash) => `https://sepolia.etherscan.io/tx/${hash}`);
    expect(outcome).to.deep.equal({ kind: "sent", transaction: HASHES[0], transactions: HASHES, explorer: pages });
    expect(outcomeLine(outcome)).to.equal(`Sent: ${pages[0]}\n      ${pages[1]}`);
  });

  it("has the hashes where there is none", () => {
    const outcome = outcomeOf(connectionTo("localhost"), SENT);
    expect(outcome).to.deep.equal({ kind: "sent", transaction: HASHES[0], transactions: HASHES });
    expect(outcomeLine(outcome)).to.equal(`Sent: ${HASHES[0]}\n      ${HASHES[1]}`);
  });

  it("says so if others had done it before", () => {
    const outcome = outcomeOf(connectionTo("sepolia"), { kind: "sent", receipts: [undefined] });
    expect(outcomeLine(outcome)).to.equal("Nothing sent: it was done already");
  });

  it("of a dry run adds up the gas that is known", () => {
    const dry = outcomeOf(connectionTo("sepolia"), {
      kind: "dry",
      gas: [40_000n, undefined, 2_000n],
      gasPrice: 3n * 10n ** 9n,
    });
    expect(outcomeLine(dry)).to.equal("Nothing sent. It would take 42,000 gas, 0.000126 coins at its present price");
    const unknown = outcomeOf(connectionTo("sepolia"), { kind: "dry", gas: [undefined], gasPrice: 1n });
    expect(outcomeLine(unknown)).to.equal("Nothing sent. It would take an unknown amount of gas");
  });
});

describe("explorerPage", () => {
  it("is the page of a transaction or an account, and nothing on a chain without an explorer", () => {
    expect(explorerPage(CHAINS.base, "address", "0x12")).to.equal("https://basescan.org/address/0x12");
    expect(explorerPage(CHAINS.localhost, "tx", HASHES[0])).to.equal(undefined);
  });
});
