import { readReceiptFile, ReceiptTree, type Chunks, type Receipt, type Multiproof } from "@turingfog/sdk/wire";
import { makeSample } from "./sample";

/** The page's results; receipts as decimal strings, so that numbers of 256 bits reach the test. */
export interface Findings {
  root: string;
  dataHash: string;
  rootOfFile: string;
  size: number;
  proof: { leaves: string[][]; proof: string[]; proofFlags: boolean[] };
}

/** Builds a tree of the sample, reads the published file of it as it arrives, and checks the dump of its tree. */
async function checkReceipts(count: number, file: string): Promise<Findings> {
  const tree = await ReceiptTree.of(makeSample(count));
  const { body } = await fetch(file);
  const { receipts, dataHash } = await readReceiptFile(body as unknown as Chunks);
  const ofFile = await ReceiptTree.of(receipts);
  const loaded = await ReceiptTree.load(ofFile.dump());
  const some = loaded.receipts.filter(({ nodeId }) => nodeId === 7n);
  return { root: tree.root, dataHash, rootOfFile: loaded.root, size: tree.size, proof: plain(loaded.multiproof(some)) };
}

function plain({ receipts, proof, proofFlags }: Multiproof): Findings["proof"] {
  const leaves = receipts.map(({ orderId, nodeId, cumulativeTU, measuredAt }: Receipt) =>
    [orderId, nodeId, cumulativeTU, measuredAt].map(String),
  );
  return { leaves, proof, proofFlags };
}

Object.assign(globalThis, { checkReceipts });
