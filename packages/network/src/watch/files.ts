import { performance } from "node:perf_hooks";

import { documentInForce, oracleDomain, SIGNER_DOCUMENT, SIGNERS, type ReceiptTree } from "@turingfog/sdk/wire";
import type { Addresses } from "@turingfog/sdk/ethers";

import type { ChainFacts, RootFacts } from "../chain/index.js";
import type { HttpClient } from "../http/index.js";
import { fetchPublished } from "../receipts/published.js";
import type { Clock } from "../runtime/index.js";

/** Bytes and milliseconds of an answer with signers' documents. */
const DOCUMENTS = { maxBytes: 2_097_152, timeout: 10_000 };

/** Milliseconds after which a signer is slow. One that was slow gets no more for each further file of a look. */
const SLOW = 5_000;

/** That no signer gives a root's file. */
export interface NoFile {
  kind: "none";
  reasons: readonly string[];
  /** Whether any signer has answered. */
  isAnswered: boolean;
  /** Whether one has given other bytes. */
  isOther: boolean;
}

export type FoundFile =
  { kind: "right"; tree: ReceiptTree } | { kind: "malformed" | "other-root"; reason: string } | NoFile;

export interface FileFinderOptions {
  client: HttpClient;
  /** Endpoints of signers, to begin with. */
  signers: readonly string[];
  book: Addresses;
  facts: ChainFacts;
  clock: Clock;
}

/** Asks signers for receipt files. */
export class FileFinder {
  constructor(private readonly options: FileFinderOptions) {}

  /**
   * Asks one signer after the other, until one gives the bytes that were signed.
   * @param slow endpoints that took long and gave nothing, to which it adds
   */
  async find(root: RootFacts, slow: Set<string>): Promise<FoundFile> {
    const { client, signers } = this.options;
    const none: NoFile & { reasons: string[] } = { kind: "none", reasons: [], isAnswered: false, isOther: false };
    const asked = new Set<string>();
    const ask = async (endpoints: readonly string[]): Promise<FoundFile | undefined> => {
      for (const endpoint of endpoints) {
        if (asked.has(endpoint)) continue;
        asked.add(endpoint);
        const began = performance.now();
        const published = await fetchPublished(client, endpoint, root, slow.has(endpoint) ? SLOW : undefined);
        if (published.kind !== "none" && published.kind !== "other") return published;
        if (performance.now() - began >= SLOW) slow.add(endpoint);
        none.reasons.push(published.reason);
        none.isAnswered ||= published.kind === "other" || published.isAnswered;
        none.isOther ||= published.kind === "other";
      }
      return undefined;
    };
    return (await ask(signers.map(bare))) ?? (await ask(await this.others())) ?? none;
  }

  /** Returns the endpoints in the documents of the signers in force, as those who answer tell them. */
  private async others(): Promise<string[]> {
    const { client, signers, book, facts, clock } = this.options;
    const domain = oracleDomain(BigInt(book.chainId), book.addresses.oracle);
    const answers = await Promise.allSettled(
      signers.map(async (each) => SIGNERS.decode(await client.get(`${bare(each)}/v1/signers`, DOCUMENTS)).documents),
    );
    const documents = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    const endpoints: string[] = [];
    for (const signer of facts.signers().signers) {
      const own = [];
      for (const document of documents.filter((each) => each.signer === signer)) {
        const { signature } = document;
        const isByKey = SIGNER_DOCUMENT.signerOf(domain, document) === signer;
        const digest = () => SIGNER_DOCUMENT.digest(domain, document);
        if (isByKey || (await facts.isSignedByContract(signer, digest(), signature))) own.push(document);
      }
      if (own.length === 0) continue;
      const inForce = documentInForce(SIGNER_DOCUMENT, own, clock.now());
      if (inForce !== undefined) endpoints.push(bare(inForce.endpoint));
    }
    return endpoints;
  }
}

function bare(endpoint: string): string {
  return endpoint.replace(/\/$/, "");
}
