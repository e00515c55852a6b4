import { MeanError, trimmedMean, type WorkerWeights } from "@turingfog/training";
import { expect } from "chai";
import fc from "fast-check";

const worker = (nodeId: bigint, ...weights: number[]): WorkerWeights => ({
  nodeId,
  weights: Float32Array.from(weights),
});

describe("the trimmed mean", () => {
  it("leaves out the lowest and the highest of each weight", () => {
    const workers = [worker(1n, 1, -90), worker(2n, 2, 5), worker(3n, 90, 7), worker(4n, 3, 9)];
    expect([...trimmedMean(workers, 1)]).to.deep.equal([2.5, 6]);
    expect([...trimmedMean(workers, 0)]).to.deep.equal([24, -17.25]);
  });

  it("trims less if no worker would be left", () => {
    expect([...trimmedMean([worker(1n, 1), worker(2n, 4)], 1)]).to.deep.equal([2.5]);
    expect([...trimmedMean([worker(1n, 1), worker(2n, 4), worker(3n, 40)], 7)]).to.deep.equal([4]);
    expect([...trimmedMean([worker(1n, 1)], 3)]).to.deep.equal([1]);
  });

  it("sums in the order of the node ids, whatever the order in which workers answered", () => {
    const values = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -100, max: 100 }), {
      minLength: 3,
      maxLength: 9,
    });
    fc.assert(
      fc.property(values, fc.integer({ min: 0, max: 3 }), (drawn, trim) => {
        const workers = drawn.map((value, i) => worker(BigInt(i), value));
        expect(trimmedMean([...workers].reverse(), trim)).to.deep.equal(trimmedMean(workers, trim));
      }),
    );
    // In binary32 the sum depends on its order: 1e8 and -1e8 must meet before the small one is lost
    expect([...trimmedMean([worker(3n, 3), worker(1n, 1e8), worker(2n, -1e8)], 0)]).to.deep.equal([1]);
    expect([...trimmedMean([worker(1n, 3), worker(3n, 1e8), worker(2n, -1e8)], 0)]).to.deep.equal([0]);
  });

  it("refuses no worker, a worker twice, and weights of another length", () => {
    expect(() => trimmedMean([], 1)).to.throw(MeanError, "no worker, expected at least one");
    expect(() => trimmedMean([worker(7n, 1), worker(7n, 2)], 1)).to.throw(MeanError, "Node 7 is given twice");
    expect(() => trimmedMean([worker(1n, 1), worker(2n, 2, 3)], 1)).to.throw(
      MeanError,
      "Node 2 has 2 weights, expected 1 as node 1",
    );
  });
});
