import { DatasetError, shardsOf, type Dataset } from "@turingfog/training";
import { expect } from "chai";

import { noise, SEED, SMALL } from "./helpers";

const DATA = noise(SMALL, 300);
const SIZE = DATA.images.length / 300;

/** Returns the images of a data set with their labels, as texts. */
function textsOf({ images, labels }: Dataset): string[] {
  return Array.from(labels, (label, i) => `${label}:${[...images.subarray(i * SIZE, (i + 1) * SIZE)].join()}`);
}

describe("the shards of a data set", () => {
  const shards = shardsOf(DATA, 4, SEED);

  it("have each image once, and are about equal", () => {
    expect(shards.flatMap(textsOf)).to.have.members(textsOf(DATA));
    for (const { labels } of shards) expect(labels.length).to.be.within(50, 100);
  });

  it("have the same images in whatever order they come", () => {
    const order = [...DATA.labels.keys()].reverse();
    const reversed = {
      images: Uint8Array.from(order.flatMap((i) => [...DATA.images.subarray(i * SIZE, (i + 1) * SIZE)])),
      labels: Uint8Array.from(order, (i) => DATA.labels[i]),
    };
    shardsOf(reversed, 4, SEED).forEach((shard, i) =>
      expect(textsOf(shard).reverse()).to.deep.equal(textsOf(shards[i])),
    );
  });

  it("differ with the seed", () => {
    expect(shardsOf(DATA, 4, `0x${"12".repeat(32)}`)).to.not.deep.equal(shards);
  });

  it("are refused if one has no image", () => {
    const few = { images: DATA.images.subarray(0, 2 * SIZE), labels: DATA.labels.subarray(0, 2) };
    expect(() => shardsOf(few, 3, SEED)).to.throw(
      DatasetError,
      /shards\[\d\].labels.length: is 0, expected at least 1; take fewer/,
    );
  });
});
