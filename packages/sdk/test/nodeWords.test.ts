import { isEndOfCallIn, isOutOfGasIn, nodeWords } from "@turingfog/sdk/ethers";
import { expect } from "chai";

/** Words of nodes, with whether they are about gas, and whether they say how a call ended. */
const WORDS: [words: string, isOutOfGas: boolean, isEndOfCall: boolean][] = [
  ["execution reverted", false, true],
  ["VM Exception while processing transaction: reverted with an unrecognized custom error", false, true],
  ["invalid opcode: INVALID", false, true],
  ["Bad instruction fe", false, true],
  ["invalid jump destination", false, true],
  ["stack underflow (0 <=> 1)", false, true],
  ["out of gas", true, true],
  ["gas required exceeds allowance (50000000)", true, true],
  ["intrinsic gas too low: have 21000, want 53000", true, true],
  ["Transaction gas limit is 20000000 and exceeds block gas limit of 16777216", true, true],
  ["Must be authenticated!", false, false],
  ["daily request count exceeded, request rate limited", false, false],
  ["missing trie node / history has been pruned for this block", false, false],
  ["range 70 exceeds limit of 8", false, false],
  ["the method eth_estimateGas does not exist/is not available", false, false],
];

describe("nodeWords", () => {
  it("finds a node's words below the errors of each layer", () => {
    const said = { code: -32_000, message: "out of gas" };
    for (const thrown of [said, { info: { error: said } }, { error: { info: { error: said } } }]) {
      expect(nodeWords(Object.assign(new Error("could not coalesce error"), thrown))).to.equal("out of gas");
    }
    expect(nodeWords("out of gas")).to.equal("out of gas");
  });

  for (const [words, isOutOfGas, isEndOfCall] of WORDS) {
    it(`reads "${words}"`, () => {
      expect(isOutOfGasIn(words)).to.equal(isOutOfGas);
      expect(isEndOfCallIn(words)).to.equal(isEndOfCall);
    });
  }
});
