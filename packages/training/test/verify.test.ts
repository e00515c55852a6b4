import {
  claimOf,
  hashOf,
  OtherWeightsError,
  Trainer,
  verifyRound,
  type FalseStatement,
  type RoundResult,
} from "@turingfog/training";
import { meterDomain, ROUND_CLAIM } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { Wallet } from "ethers";

import { noise, planOf, SMALL, someWeights } from "./helpers";

const TRAINER = new Trainer(planOf(SMALL));
const START = someWeights(SMALL);
const SHARD = noise(SMALL, 20);
const INPUT = { round: 3n, nodeId: 7n, start: START, shard: SHARD };
const RESULT = TRAINER.train(INPUT);
const CLAIM = claimOf(5n, INPUT, RESULT);
const OTHER = `0x${"ab".repeat(32)}`;

const problem = (what: FalseStatement["what"], expected: string, claimed: string) => [{ what, expected, claimed }];

describe("a claim of a round", () => {
  it("has the values that a worker signs", async () => {
    const { orderId, nodeId, round, startHash, endHash, images } = CLAIM;
    expect([orderId, nodeId, round, images]).to.deep.equal([5n, 7n, 3n, 32n]);
    expect([startHash, endHash]).to.deep.equal([hashOf(START), hashOf(RESULT.weights)]);
    const [key, domain] = [Wallet.createRandom(), meterDomain(1n, `0x${"ab".repeat(20)}`)];
    const signed = await ROUND_CLAIM.sign(key, domain, CLAIM);
    expect(ROUND_CLAIM.decode(ROUND_CLAIM.encode(signed))).to.deep.equal(signed);
    expect(ROUND_CLAIM.signerOf(domain, signed)).to.equal(key.address.toLowerCase());
  });

  it("is true if a recomputation gives the same bytes", () => {
    expect(verifyRound(TRAINER, { claim: CLAIM, start: START, shard: SHARD })).to.deep.equal({
      problems: [],
      result: RESULT,
    });
    expect(
      verifyRound(TRAINER, { claim: CLAIM, start: START, shard: SHARD, end: RESULT.weights }).problems,
    ).to.deep.equal([]);
  });

  it("is false with another start, another number of images or another end, each named", () => {
    const verify = (change: object) =>
      verifyRound(TRAINER, { claim: { ...CLAIM, ...change }, start: START, shard: SHARD });
    expect(verify({ startHash: OTHER })).to.deep.equal({ problems: problem("startHash", CLAIM.startHash, OTHER) });
    expect(verify({ images: 33n })).to.deep.equal({ problems: problem("images", "32", "33") });
    expect(verify({ endHash: OTHER }).problems).to.deep.equal(problem("endHash", CLAIM.endHash, OTHER));
    expect(verify({ startHash: OTHER, images: 0n }).problems.map(({ what }) => what)).to.deep.equal([
      "startHash",
      "images",
    ]);
  });

  it("is false for another round, another node or another shard", () => {
    for (const change of [{ round: 4n }, { nodeId: 8n }]) {
      const { problems } = verifyRound(TRAINER, { claim: { ...CLAIM, ...change }, start: START, shard: SHARD });
      expect(problems.map(({ what }) => what)).to.deep.equal(["endHash"]);
    }
    const { problems } = verifyRound(TRAINER, { claim: CLAIM, start: START, shard: noise(SMALL, 21) });
    expect(problems.map(({ what }) => what)).to.deep.equal(["endHash"]);
  });

  for (const [index, weight] of [
    [0, "layers.0.weights[0]"],
    [110, "layers.0.bias[2]"],
    [RESULT.weights.length - 1, "layers.4.bias[2]"],
  ] as [number, string][]) {
    it(`shows the first byte that differs, in ${weight}`, () => {
      const end = RESULT.weights.slice();
      const bytes = new DataView(end.buffer);
      // The lowest bit of one weight, and all of what follows
      const [byte, right] = [4 * index, bytes.getUint8(4 * index)];
      bytes.setUint8(byte, right ^ 1);
      end.fill(0, index + 1);
      const claim = { ...CLAIM, endHash: hashOf(end) };
      const [found] = verifyRound(TRAINER, { claim, start: START, shard: SHARD, end }).problems;
      expect(found.difference).to.deep.equal({ byte, weight, expected: right, claimed: right ^ 1 });
    });
  }

  it("is not judged by weights that it does not name", () => {
    const end = START;
    expect(() => verifyRound(TRAINER, { claim: CLAIM, start: START, shard: SHARD, end })).to.throw(
      OtherWeightsError,
      `The weights have hash ${hashOf(START)}, the claim names ${CLAIM.endHash}: get those that were claimed`,
    );
  });

  it("is false if the round leaves the finite numbers", () => {
    const steep = new Trainer(planOf(SMALL, { learningRate: 10, momentum: 0.99, steps: 1_000 }));
    const claim = { ...CLAIM, images: 8_000n };
    const { problems, result } = verifyRound(steep, { claim, start: START, shard: SHARD });
    expect(problems.map(({ what, claimed }) => [what, claimed])).to.deep.equal([["finite", CLAIM.endHash]]);
    expect(problems[0].expected).to.match(/NaN or infinity in step \d+/);
    expect(result).to.equal(undefined);
  });

  it("is audited with its residual before and after, if weights travel in 8 bits", () => {
    const trainer = new Trainer(planOf(SMALL, { transfer: "int8" }));
    const first = trainer.train(INPUT);
    const residual = first.residual as Float32Array;
    const input = { ...INPUT, residual };
    const second: RoundResult = trainer.train(input);
    const claim = claimOf(5n, input, second);
    const residualClaim = { before: hashOf(residual), after: hashOf(second.residual as Float32Array) };
    const round = { claim, start: START, shard: SHARD, residual, residualClaim };
    expect(verifyRound(trainer, round)).to.deep.equal({ problems: [], result: second });

    const verify = (change: object) =>
      verifyRound(trainer, { ...round, residualClaim: { ...residualClaim, ...change } });
    expect(verify({ before: OTHER }).problems).to.deep.equal(problem("residual before", residualClaim.before, OTHER));
    expect(verify({ after: OTHER }).problems).to.deep.equal(problem("residual after", residualClaim.after, OTHER));
    // Without its residual the same round ends elsewhere
    expect(verifyRound(trainer, { claim, start: START, shard: SHARD }).problems.map(({ what }) => what)).to.deep.equal([
      "endHash",
    ]);
  });
});
