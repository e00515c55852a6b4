import type { OracleMessages, Proposal, SignerDocument } from "@turingfog/sdk/wire";
import type { Kysely } from "kysely";
import type { Logger } from "pino";

import type { RootFacts, SignerSet } from "../../chain/index.js";
import type { Clock, Health } from "../../runtime/index.js";
import type { Verdict } from "../rules/index.js";
import type { ReceiptFiles } from "./files.js";
import type { BatchMetrics } from "./metrics.js";
import type { Outbox } from "./outbox.js";
import type { Submitter } from "./submitter.js";
import type { BatchTables } from "./tables.js";

/** What the batches need of the chain's final blocks. */
export interface BatchChain {
  signers(): SignerSet;
  root(dataHash: string): RootFacts | undefined;
  order(orderId: bigint): { closed: boolean } | undefined;
  isFrozen(): boolean;
}

export interface BatchOptions {
  /** This signer, in lower case. */
  signer: string;
  /** Seconds from one batch to the next. */
  interval: bigint;
  /** Seconds after which the next signer proposes or submits. */
  delay: bigint;
  db: Kysely<BatchTables>;
  files: ReceiptFiles;
  chain: BatchChain;
  /** Says what counts of each chain of an open order, by all that is known now. */
  judge: () => Promise<Verdict[]>;
  /** Returns the number of pairs of an open order and a node that may work on it. */
  pairs: () => number;
  /** Fetches the readings that another signer has and this one lacks. */
  catchUp: (from: SignerDocument) => Promise<void>;
  /** Fetches the file of a proposal, no more bytes than it says. */
  fetch: (from: SignerDocument, proposal: Proposal) => AsyncIterable<Uint8Array>;
  /** Returns the document of a signer that is in force. */
  documentOf: (signer: string) => SignerDocument | undefined;
  sign: (batch: OracleMessages["ReceiptBatch"]) => Promise<string>;
  /** Checks that there is room to store what is signed. */
  checkDisk: () => Promise<void>;
  outbox: Outbox;
  submitter: Submitter;
  clock: Clock;
  health: Health;
  log: Logger;
  metrics: BatchMetrics;
}

/** Returns the other signers in force. */
export function othersOf({ signer, chain }: Pick<BatchOptions, "signer" | "chain">): string[] {
  return chain.signers().signers.filter((each) => each !== signer);
}

/** Returns how many places a signer comes after another in the order of signers. */
export function placesAfter(set: SignerSet, signer: string, first: number): bigint {
  const { length } = set.signers;
  return BigInt((set.signers.indexOf(signer) - first + length) % length);
}
