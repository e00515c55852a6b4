import { createWriteStream } from "node:fs";
import { open, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";

import {
  MeteredReceiptTable,
  readReceiptFile,
  RECEIPT_LEAF_ENCODING,
  ReceiptFileTooLargeError,
  ReceiptTable,
  ReceiptTree,
  writeReceiptFile,
  type MeteredReceipt,
  type Receipt,
} from "@turingfog/sdk/wire";
import type { Task } from "./measure";

/** The exports of the former library that are measured. */
interface Former {
  ReceiptTree: { of(receipts: readonly Receipt[]): { root: string } };
  encodeReceiptFile(receipts: readonly MeteredReceipt[]): Uint8Array;
  decodeReceiptFile(file: Uint8Array): MeteredReceipt[];
  receiptDataHash(file: Uint8Array): string;
}

const NODES = 5_000;
const PROOF_RECEIPTS = 200;
const PROOFS = 31;
const CHUNK_BYTES = 1 << 20;

/** Makes receipts as a network's are: orders of a few assets, TU with 18 decimals, one hour. */
function* makeReceipts(count: number): Generator<MeteredReceipt> {
  for (let i = 0; i < count; ++i) {
    yield {
      orderId: (BigInt(Math.floor((i * 3) / count)) << 40n) | BigInt(i + 1),
      nodeId: BigInt(1 + (i % NODES)),
      cumulativeTU: BigInt(1 + ((i * 7_919) % 10_000)) * 10n ** 18n + BigInt(i),
      measuredAt: 1_800_000_000n + BigInt(i % 3_600),
      meterLogHash: `0x${i.toString(16).padStart(64, "a")}`,
    };
  }
}

async function cpuSeconds(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** Reads a file through one buffer. */
async function* chunksOf(file: string): AsyncGenerator<Uint8Array> {
  const handle = await open(file);
  try {
    const buffer = new Uint8Array(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

async function* endlessFile(): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  yield encoder.encode('{"format":"turingfog-receipts-v1","receipts":[');
  for (let serial = 1; ;) {
    let text = "";
    for (const last = serial + 300; serial < last; ++serial) {
      text +=
        `{"cumulativeTU":"1000000000000000000000","measuredAt":"1800000000","meterLogHash":"0x${"ab".repeat(32)}",` +
        `"nodeId":"${serial % NODES}","orderId":"${2 ** 40 + serial}"},`;
    }
    yield encoder.encode(text);
  }
}

/** Loads what builds.ts has built beside this worker. */
async function loadFormer(): Promise<Former> {
  return (await import(path.join(__dirname, "former.js"))) as Former;
}

const TASKS: Record<Task, (count: number, file: string) => Promise<Record<string, number | string>>> = {
  async "sdk tree"(count) {
    const table = ReceiptTable.of(makeReceipts(count));
    let root = "";
    const treeSeconds = await cpuSeconds(async () => ({ root } = await ReceiptTree.of(table)));
    return { treeSeconds, root };
  },

  async "former tree"(count) {
    const library = await loadFormer();
    const receipts = [...makeReceipts(count)];
    let root = "";
    const treeSeconds = await cpuSeconds(async () => ({ root } = library.ReceiptTree.of(receipts)));
    return { treeSeconds, root };
  },

  async "openzeppelin tree"(count) {
    const { StandardMerkleTree } = await import("@openzeppelin/merkle-tree"); // here, as every package takes memory
    const values = Array.from(makeReceipts(count), ({ orderId, nodeId, cumulativeTU, measuredAt }) =>
      [orderId, nodeId, cumulativeTU, measuredAt].map(String),
    );
    let root = "";
    const treeSeconds = await cpuSeconds(
      async () => ({ root } = StandardMerkleTree.of(values, [...RECEIPT_LEAF_ENCODING])),
    );
    return { treeSeconds, root };
  },

  async "sdk file"(count, file) {
    const table = MeteredReceiptTable.of(makeReceipts(count));
    let dataHash = "";
    const writeSeconds = await cpuSeconds(() => pipeline(writeReceiptFile(table), createWriteStream(file)));
    const readSeconds = await cpuSeconds(async () => ({ dataHash } = await readReceiptFile(chunksOf(file))));
    return { writeSeconds, readSeconds, dataHash };
  },

  async "former file"(count, file) {
    const library = await loadFormer();
    const receipts = [...makeReceipts(count)];
    let dataHash = "";
    const writeSeconds = await cpuSeconds(() => writeFile(file, library.encodeReceiptFile(receipts)));
    const readSeconds = await cpuSeconds(async () => {
      const bytes = await readFile(file);
      library.decodeReceiptFile(bytes);
      dataHash = library.receiptDataHash(bytes);
    });
    return { writeSeconds, readSeconds, dataHash };
  },

  async whole(count, file) {
    const { size } = await stat(file);
    let receipts = ReceiptTable.of([]);
    const readSeconds = await cpuSeconds(async () => ({ receipts } = await readReceiptFile(chunksOf(file))));
    let tree: ReceiptTree | undefined;
    const treeSeconds = await cpuSeconds(async () => (tree = await ReceiptTree.of(receipts)));
    const some = Array.from({ length: PROOF_RECEIPTS }, (_, i) =>
      receipts.at(Math.floor((i * count) / PROOF_RECEIPTS)),
    );
    const times: number[] = [];
    for (let i = 0; i < PROOFS; ++i) times.push(1_000 * (await cpuSeconds(async () => tree?.multiproof(some))));
    const [firstProofMs] = times;
    const medianProofMs = times.sort((a, b) => a - b)[Math.floor(PROOFS / 2)];
    let slices = 0;
    let sliced = 0;
    const sliceSeconds = await cpuSeconds(async () => {
      for (const slice of tree?.slices({ maxBytes: 95_000, maxGas: 16_777_216n }) ?? []) {
        ++slices;
        sliced += slice.receipts.length;
      }
    });
    if (sliced !== count) throw new Error(`The slices have ${sliced} receipts of ${count}`);
    return { size, readSeconds, treeSeconds, firstProofMs, medianProofMs, slices, sliceSeconds };
  },

  async endless() {
    try {
      await readReceiptFile(endlessFile());
    } catch (error) {
      if (error instanceof ReceiptFileTooLargeError) return { refusedAtBytes: error.size };
      throw error;
    }
    throw new Error("An endless file was read to its end");
  },
};

async function main([task, count, file]: string[]): Promise<void> {
  const result = await TASKS[task as Task](Number(count), file);
  // Linux counts in KiB
  console.log(JSON.stringify({ ...result, peakMB: (process.resourceUsage().maxRSS * 1024) / 1e6 }));
}

void main(process.argv.slice(2));
