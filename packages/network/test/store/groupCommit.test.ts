import { GroupCommit } from "@turingfog/network";
import { expect } from "chai";

/** A flush that ends when it is told to. */
function controlled() {
  const flushes: { items: number[]; finish: (error?: Error) => void }[] = [];
  const flush = (items: number[]) =>
    new Promise<number[]>((resolve, reject) => {
      const finish = (error?: Error) => (error === undefined ? resolve(items.map((item) => item * 10)) : reject(error));
      flushes.push({ items, finish });
    });
  const flushed = async (count: number) => {
    while (flushes.length < count) await new Promise(setImmediate);
    return flushes[count - 1];
  };
  return { flush, flushes, flushed };
}

describe("GroupCommit", () => {
  it("puts what arrives while a transaction runs into the next one", async () => {
    const { flush, flushes, flushed } = controlled();
    const commit = new GroupCommit(flush);
    const first = commit.add(1);
    const { finish } = await flushed(1);
    const others = [commit.add(2), commit.add(3)];
    finish();
    (await flushed(2)).finish();
    expect(await Promise.all([first, ...others])).to.deep.equal([10, 20, 30]);
    expect(flushes.map(({ items }) => items)).to.deep.equal([[1], [2, 3]]);
  });

  it("resolves nothing before its transaction is over", async () => {
    const { flush, flushed } = controlled();
    const commit = new GroupCommit(flush);
    const events: string[] = [];
    const added = commit.add(1).then(() => events.push("answered"));
    const { finish } = await flushed(1);
    await new Promise(setImmediate);
    events.push("durable");
    finish();
    await added;
    expect(events).to.deep.equal(["durable", "answered"]);
  });

  it("takes at most as many items into a transaction as it may", async () => {
    const { flush, flushes, flushed } = controlled();
    const commit = new GroupCommit(flush, { most: 2 });
    const added = Promise.all([1, 2, 3, 4, 5].map((item) => commit.add(item)));
    for (const count of [1, 2, 3]) (await flushed(count)).finish();
    await added;
    expect(flushes.map(({ items }) => items)).to.deep.equal([[1, 2], [3, 4], [5]]);
  });

  it("rejects the items of a transaction that fails, and goes on with the others", async () => {
    const { flush, flushed } = controlled();
    const commit = new GroupCommit(flush, { most: 1 });
    const [failed, stored] = [commit.add(1), commit.add(2)];
    const refused = expect(failed).to.be.rejectedWith("disk full");
    (await flushed(1)).finish(new Error("disk full"));
    (await flushed(2)).finish();
    await refused;
    expect(await stored).to.equal(20);
  });

  it("drains when nothing waits any more", async () => {
    const { flush, flushed } = controlled();
    const commit = new GroupCommit(flush);
    const added = commit.add(1);
    const drained = commit.drain();
    (await flushed(1)).finish();
    await drained;
    expect(await added).to.equal(10);
    expect(commit.size).to.equal(0);
  });
});
