import { type Connection, latestBlock } from "@turingfog/operator";
import type { Addresses } from "@turingfog/sdk/ethers";

import { CHAIN_MIGRATIONS, ChainFacts, type ChainTables, type RootFacts } from "../chain/index.js";
import { HttpClient } from "../http/index.js";
import { Health, SystemClock } from "../runtime/index.js";
import { openStore } from "../store/index.js";
import { FileFinder } from "./files.js";
import { type Finding } from "./findings.js";
import { countsOf, type FileCounts, findingsOf } from "./roots.js";

/** A pending root, and what its file shows. */
export interface PendingRoot {
  root: RootFacts;
  /** What is in the file; undefined if it is not to be had, or is none. */
  counts?: FileCounts;
  /** Why the file is not to be had, as each signer says. */
  missing?: readonly string[];
  /** What is wrong with the file, or doubtful; none of a file that is not to be had. */
  findings: readonly Finding[];
}

/** The pending roots as of a final block, and what is to be known of each now. */
export interface PendingRoots {
  block: number;
  /** Time of that block, and of the latest one, in unix seconds. */
  time: bigint;
  now: bigint;
  roots: readonly PendingRoot[];
}

/**
 * Reads the pending roots and checks each once, the one that is final first at the head. Remembers nothing, so that a
 * node's pace is not compared with its past.
 * @throws ChainWaitError and what the chain's node gives as an error
 */
export async function readPendingRoots(
  { name, provider }: Connection,
  book: Addresses,
  signers: readonly string[],
): Promise<PendingRoots> {
  const store = await openStore<ChainTables>(":memory:", CHAIN_MIGRATIONS);
  const client = new HttpClient();
  try {
    const [clock, health] = [new SystemClock(), new Health()];
    const connect = () => Promise.resolve(provider);
    const facts = new ChainFacts({ network: name, poll: 0, connect, book, db: store.db, clock, health });
    await facts.advance();
    const files = new FileFinder({ client, signers, book, facts, clock });
    const slow = new Set<string>();
    const roots: PendingRoot[] = [];
    const pending = facts.roots().filter(({ state }) => state === "pending");
    for (const root of pending.sort((a, b) => Number((a.finalAt ?? 0n) - (b.finalAt ?? 0n)))) {
      const file = await files.find(root, slow);
      if (file.kind === "none") roots.push({ root, missing: file.reasons, findings: [] });
      else {
        const counts = file.kind === "right" ? countsOf(file.tree.receipts) : undefined;
        roots.push({ root, counts, findings: findingsOf(file, root, facts).all });
      }
    }
    const now = BigInt((await latestBlock(provider)).timestamp);
    return { block: facts.block().number, time: facts.blockTime(), now, roots };
  } finally {
    client.close();
    await store.close();
  }
}
