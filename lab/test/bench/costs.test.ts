import { expect } from "chai";
import { ZeroHash } from "ethers";

import { costOf, costsOf } from "../../bench/gas/costs";
import type { RecordedTransaction } from "../../bench/replay/recording";

/** What others are derived from, with figures of which no two sums are alike. */
const MEASURED = {
  "open.node": [140_000, 430_000, 292],
  "open.batch.50": [4_450_000, 18_000_000, 14_450],
  "open.batch.50.nodes": [5_000_000, 20_000_000, 14_500],
  "report.3of4": [71_450, 154_100, 800],
  "settle.whole.50.fresh": [1_990_025, 6_777_000, 8_250],
  "settle.whole.50.first": [2_000_000, 6_800_000, 8_250],
  "settle.whole.50": [1_130_000, 1_880_000, 8_250],
  "acknowledge.50": [1_460_000, 2_200_000, 12_900],
  "settle.part.1": [110_000, 149_000, 1_476],
  "claim.1": [44_000, 53_000, 132],
  "claim.7": [80_000, 125_000, 324],
  close: [69_000, 103_000, 36],
};

/** Prices each transaction as its own figures say. */
function priced(measured: Record<string, number[][]>) {
  const [osaka, amsterdam] = [new Map<RecordedTransaction, bigint>(), new Map<RecordedTransaction, bigint>()];
  const transactions = new Map<string, RecordedTransaction[]>();
  for (const [id, all] of Object.entries(measured)) {
    const sent = all.map(([gas, amsterdamGas, bytes]) => {
      const transaction = {
        kind: "transaction",
        hash: ZeroHash,
        data: `0x${"ab".repeat(bytes)}`,
      } as RecordedTransaction;
      osaka.set(transaction, BigInt(gas));
      amsterdam.set(transaction, BigInt(amsterdamGas));
      return transaction;
    });
    transactions.set(id, sent);
  }
  return costsOf(transactions, { osaka, amsterdam });
}

function costsWith(others: Record<string, number[][]>) {
  return priced({ ...Object.fromEntries(Object.entries(MEASURED).map(([id, cost]) => [id, [cost]])), ...others });
}

describe("bench/gas/costs", () => {
  it("adds up the transactions of an id, in gas under either rules and in bytes of calldata", () => {
    const costs = costsWith({
      two: [
        [21_000, 22_000, 3],
        [50_000, 70_000, 4],
      ],
    });
    expect(costs.get("two")).to.deep.equal({ gas: 71_000, amsterdam: 92_000, calldata: 7 });
  });

  it("rounds the gas of Genesis up, whose code has hashes in it, and not its bytes", () => {
    const costs = costsWith({
      genesis: [
        [16_470_000, 111_710_000, 87_000],
        [1, 2, 741],
      ],
    });
    expect(costs.get("genesis")).to.deep.equal({ gas: 16_480_000, amsterdam: 111_720_000, calldata: 87_741 });
  });

  it("derives shares and sums in every column", () => {
    const costs = costsWith({});
    const derived = Object.fromEntries([...costs].filter(([id]) => !Object.hasOwn(MEASURED, id)));
    expect(derived).to.deep.equal({
      "open.batch": { gas: 89_000, amsterdam: 360_000, calldata: 289 },
      "open.batch.nodes": { gas: 100_000, amsterdam: 400_000, calldata: 290 },
      "settle.next.first": { gas: 40_000, amsterdam: 136_000, calldata: 165 },
      "settle.next.fresh": { gas: 39_801, amsterdam: 135_540, calldata: 165 },
      "settle.next": { gas: 22_600, amsterdam: 37_600, calldata: 165 },
      "settle.acknowledged": { gas: 29_200, amsterdam: 44_000, calldata: 258 },
      "settle.single": { gas: 110_000, amsterdam: 149_000, calldata: 1_476 },
      "claim.next": { gas: 6_000, amsterdam: 12_000, calldata: 32 },
      job: { gas: 225_230, amsterdam: 621_622, calldata: 605 },
      "job.closed": { gas: 294_230, amsterdam: 724_622, calldata: 641 },
    });
  });

  it("names what was not measured", () => {
    expect(() => costOf(new Map(), "claim.2")).to.throw("claim.2 was not measured");
  });
});
