import type { Heap } from "./heap.js";

/**
 * Proves leaves at once, as OpenZeppelin's library does.
 * @param positions in ascending order, each once
 */
export function proveLeaves(heap: Heap, positions: Uint32Array): { proof: string[]; proofFlags: boolean[] } {
  const proof: string[] = [];
  const proofFlags: boolean[] = [];
  const queue = Array.from(positions, (position) => heap.nodeOfLeaf(position));
  for (let next = 0; queue[next] > 0;) {
    const node = queue[next++];
    const sibling = node % 2 === 1 ? node + 1 : node - 1;
    const known = queue[next] === sibling;
    proofFlags.push(known);
    if (known) ++next;
    else proof.push(heap.node(sibling));
    queue.push((node - 1) >>> 1);
  }
  return { proof, proofFlags };
}
