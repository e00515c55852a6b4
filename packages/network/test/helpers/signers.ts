import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import {
  addBatchRoutes,
  Batch,
  BATCH_MIGRATIONS,
  BatchMetrics,
  type BatchTables,
  CHAIN_MIGRATIONS,
  ChainClock,
  ChainFacts,
  type ChainTables,
  Draws,
  Health,
  HttpClient,
  Link,
  LINK_MIGRATIONS,
  type LinkTables,
  openServer,
  openStore,
  Outbox,
  ReceiptFiles,
  SIGNER_DOCUMENT_MIGRATIONS,
  SignerDocuments,
  type SignerDocumentTables,
  type Store,
  Submitter,
  type Verdict,
} from "@turingfog/network";
import { connect } from "@turingfog/operator";
import { connectContracts, isValidSignature, signMessage } from "@turingfog/sdk/ethers";
import { linkDomain, oracleDomain } from "@turingfog/sdk/wire";
import { id, Wallet } from "ethers";
import { ethers } from "hardhat";
import type { Kysely } from "kysely";
import pino from "pino";
import { Registry } from "prom-client";

import { deployProtocolFixture, type Protocol } from "../../../../test/helpers/fixture";
import { accountKeys } from "../../../../test/helpers/keys";

export const INTERVAL = 3_600n;
export const DELAY = 300n;

/** Pairs of an open order and a node, of which each signer takes a receipt. */
export const PAIRS = 4;

type Tables = BatchTables & ChainTables & LinkTables & SignerDocumentTables;
type Server = Awaited<ReturnType<typeof openServer>>;

/** What is set for one signer alone. */
export interface Differences {
  /** What it says of the chains; of others, that of the network. */
  verdicts?: Verdict[];
  /** The share of its disk that is free. */
  checkDisk?: () => Promise<void>;
}

/** One signer: its store, its folder, its server, and its part in the batches. Its readings are verdicts that a test sets. */
export class TestSigner {
  differences: Differences = {};
  caughtUp: string[] = [];
  readonly lines: Record<string, unknown>[] = [];
  readonly health = new Health();
  /** With what it signs requests, also when it is down. */
  link?: Link;
  readonly clock = new ChainClock();
  private running?: {
    store: Store<Tables>;
    server: Server;
    batch: Batch;
    chain: ChainFacts;
    documents: SignerDocuments;
    files: ReceiptFiles;
  };

  constructor(
    readonly network: SignerNetwork,
    readonly key: Wallet,
    readonly port: number,
  ) {}

  get address(): string {
    return this.key.address.toLowerCase();
  }

  get folder(): string {
    return path.join(this.network.folder, this.address);
  }

  get isUp(): boolean {
    return this.running !== undefined;
  }

  get parts() {
    if (this.running === undefined) throw new Error(`${this.address} is down`);
    return this.running;
  }

  async start(): Promise<void> {
    const { network, health } = this;
    const { protocol } = network;
    const log = pino(
      { level: "debug" },
      { write: (line: string) => void this.lines.push(JSON.parse(line) as object as Record<string, unknown>) },
    );
    const store = await openStore<Tables>(path.join(network.folder, `${this.address}.db`), {
      ...BATCH_MIGRATIONS,
      ...CHAIN_MIGRATIONS,
      ...LINK_MIGRATIONS,
      ...SIGNER_DOCUMENT_MIGRATIONS,
    });
    const tables = <T>(): Kysely<T> => store.db as unknown as Kysely<T>;
    const { clock } = this;
    const book = { chainId: 31_337, addresses: protocol.addresses, firstBlock: 0 };
    const chain = new ChainFacts({
      connect: async () => ethers.provider,
      book,
      network: "hardhat",
      confirmationSeconds: 0,
      poll: 1,
      db: tables(),
      clock,
      health,
    });
    await chain.advance();
    const client = new HttpClient();
    const oracle = protocol.addresses.oracle;
    const domain = oracleDomain(31_337n, oracle);
    const linkKey = new Wallet(id(`link ${this.address}`));
    const documents = new SignerDocuments({
      signerKey: this.key,
      linkKey,
      endpoint: `http://127.0.0.1:${this.port}`,
      encryptionKey: `age1${"q".repeat(58)}`,
      draws: new Draws(Buffer.alloc(32, 1)),
      interval: INTERVAL,
      peers: network.signers.map((each) => `http://127.0.0.1:${each.port}`),
      domain,
      signers: () => chain.signers().signers,
      isSignedByContract: async () => false,
      db: tables(),
      client,
      clock,
      blockTime: () => chain.blockTime(),
      log,
    });
    await documents.load();
    const link = new Link({
      signer: this.address,
      linkKey,
      domain: linkDomain(31_337n, oracle),
      documents: () => documents.inForce(),
      db: tables(),
      clock,
      client,
    });
    this.link = link;
    const documentOf = (signer: string) => documents.of(signer);
    const outbox = new Outbox({ db: tables(), link, documentOf, clock, log });
    const submitter = new Submitter({
      gasKey: this.key,
      connect: () => connect("hardhat"),
      contracts: ({ provider }) => connectContracts(protocol.addresses, provider),
      journal: path.join(network.folder, `${this.address}.sent.json`),
      log,
      health,
    });
    const files = new ReceiptFiles(this.folder, tables());
    const batch = new Batch(
      {
        signer: this.address,
        interval: INTERVAL,
        delay: DELAY,
        db: tables(),
        files,
        chain,
        judge: async () => this.differences.verdicts ?? network.verdicts,
        catchUp: async (from) => void this.caughtUp.push(from.signer),
        fetch: (from, { dataHash, bytes }) =>
          client.stream(`${from.endpoint}/v1/proposals/${dataHash}`, { maxBytes: Number(bytes) }),
        pairs: () => PAIRS,
        documentOf,
        sign: async (message) => (await signMessage(this.key, domain, "ReceiptBatch", message)).signature,
        checkDisk: async () => this.differences.checkDisk?.(),
        outbox,
        submitter,
        clock,
        health,
        log,
        metrics: new BatchMetrics(new Registry()),
      },
      (message, by) => isValidSignature({ domain, runner: null }, "ReceiptBatch", message, by),
    );
    const server = await openServer({ listen: { host: "127.0.0.1", port: this.port }, log }, (on) => {
      addBatchRoutes(on, { link, files, ...batch });
      documents.addRoutes(on);
    });
    await documents.renew();
    this.running = { store, server, batch, chain, documents, files };
  }

  /** Ends it: what it has not stored is gone. */
  async stop(): Promise<void> {
    const { store, server, batch } = this.parts;
    this.running = undefined;
    await batch.settled();
    await server.close();
    await store.close();
  }

  async advance(): Promise<void> {
    const { chain, batch, documents } = this.parts;
    await chain.advance();
    await documents.renew();
    await batch.advance();
    await batch.settled();
  }

  /** Returns what it has logged under a message. */
  logged(message: string): Record<string, unknown>[] {
    return this.lines.filter(({ msg }) => msg === message);
  }
}

/** Four signers, who reach each other over HTTP, and a chain with the real contracts. */
export class SignerNetwork {
  readonly signers: TestSigner[] = [];
  verdicts: Verdict[] = [];

  private constructor(
    readonly protocol: Protocol,
    readonly folder: string,
  ) {}

  static async start(): Promise<SignerNetwork> {
    const protocol = await loadFixture(deployProtocolFixture);
    const network = new SignerNetwork(protocol, await mkdtemp(path.join(tmpdir(), "turingfog-signers-")));
    const keys = accountKeys().map((key) => new Wallet(key));
    const ports = await freePorts(protocol.actors.oracleSigners.length);
    for (const [i, { address }] of protocol.actors.oracleSigners.entries()) {
      const key = keys.find((each) => each.address === address) as Wallet;
      network.signers.push(new TestSigner(network, key, ports[i]));
    }
    // at the beginning of an interval whose first proposer is the first signer
    const now = BigInt(await time.latest());
    const cycle = INTERVAL * BigInt(ports.length);
    await time.increaseTo((now / cycle + 2n) * cycle);
    for (const signer of network.signers) await signer.start();
    await network.exchange();
    return network;
  }

  async stop(): Promise<void> {
    for (const signer of this.up) await signer.stop();
    await rm(this.folder, { recursive: true });
  }

  get up(): TestSigner[] {
    return this.signers.filter(({ isUp }) => isUp);
  }

  async exchange(): Promise<void> {
    for (const { parts } of this.up) await parts.documents.exchange();
  }

  /** Moves the chain's time on, and lets all do what is due, several times: an answer takes a round. */
  async pass(seconds: bigint, rounds = 4): Promise<void> {
    if (seconds > 0n) await time.increase(seconds);
    for (const signer of this.up) {
      await signer.parts.chain.advance();
      await signer.parts.documents.renew();
    }
    await this.exchange();
    for (let i = 0; i < rounds; ++i) for (const signer of this.up) await signer.advance();
  }
}

export async function freePorts(count: number): Promise<number[]> {
  const open = () => createServer().listen(0, "127.0.0.1");
  const servers = Array.from({ length: count }, open);
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
