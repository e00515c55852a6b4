import { concat, getBytes, sha256 } from "ethers";

import type { Dataset } from "./dataset";
import { DatasetError } from "./errors";

/**
 * Divides a data set among workers. An image is in the shard that the first four bytes of the SHA-256 of seed, image and label
 * leave when divided by the number of shards, so that everybody who has the images knows whose they are, in any order. A shard
 * keeps the order of the data set.
 * @throws DatasetError if a shard has no image
 */
export function shardsOf({ images, labels }: Dataset, count: number, seed: string): Dataset[] {
  const size = images.length / labels.length;
  const members = Array.from({ length: count }, (): number[] => []);
  for (let i = 0; i < labels.length; i++) {
    const image = images.subarray(i * size, (i + 1) * size);
    const digest = getBytes(sha256(concat([seed, image, Uint8Array.of(labels[i])])));
    members[new DataView(digest.buffer).getUint32(0) % count].push(i);
  }
  const empty = members.findIndex(({ length }) => length === 0);
  if (empty !== -1)
    throw new DatasetError(`shards[${empty}].labels.length`, 0, `at least 1; take fewer than ${count} shards`);
  return members.map((indices) => {
    const shard = { images: new Uint8Array(indices.length * size), labels: new Uint8Array(indices.length) };
    indices.forEach((index, i) => {
      shard.images.set(images.subarray(index * size, (index + 1) * size), i * size);
      shard.labels[i] = labels[index];
    });
    return shard;
  });
}

/** Returns which of so many shards a node trains on in a round: each in turn, so that no image depends on one node alone. */
export function shardOf(nodeId: bigint, round: bigint, count: number): number {
  return Number((nodeId + round) % BigInt(count));
}
