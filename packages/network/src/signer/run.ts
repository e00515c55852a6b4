import { mkdir } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { CHAINS } from "@turingfog/sdk";
import { connectContracts, isValidSignature, signMessage } from "@turingfog/sdk/ethers";
import {
  jobDomain,
  linkDomain,
  meterDomain,
  nodeDomain,
  oracleDomain,
  SIGNER_DOCUMENT,
  type BatchSignature,
  type OracleMessages,
  typesOf,
} from "@turingfog/sdk/wire";
import { parseUnits, TypedDataEncoder } from "ethers";
import type { Kysely } from "kysely";

import { CHAIN_MIGRATIONS, CHAIN_STEPS, ChainFacts, type ChainTables, chainOf } from "../chain/index.js";
import {
  HttpClient,
  Link,
  LINK_MIGRATIONS,
  LINK_STEPS,
  type LinkTables,
  openServer,
  RefusedError,
} from "../http/index.js";
import { recipientOf } from "../job/age.js";
import {
  checkDisk,
  ClockError,
  readKey,
  readSecret,
  reasonOf,
  type Role,
  type RoleContext,
  type Stoppable,
} from "../runtime/index.js";
import { type Migrations, openStore, type Store } from "../store/index.js";
import { ATTESTATION_MIGRATIONS, ATTESTATION_STEPS, Attestations, type AttestationTables } from "./attestations.js";
import { AUDIT_MIGRATIONS, AUDIT_STEPS, type AuditTables, openAudits } from "./audits/index.js";
import {
  Batch,
  BATCH_MIGRATIONS,
  BATCH_STEPS,
  BatchMetrics,
  type BatchTables,
  Outbox,
  ReceiptFiles,
  Submitter,
  addBatchRoutes,
  Vetoes,
} from "./batch/index.js";
import { CatchUp } from "./catchUp.js";
import {
  addChallengeRoutes,
  ChallengeBoard,
  CHALLENGE_MIGRATIONS,
  CHALLENGE_STEPS,
  type ChallengeTables,
} from "./challenges/index.js";
import type { SignerConfig } from "./config.js";
import { Draws } from "./draws.js";
import {
  addIntakeRoutes,
  Intake,
  INTAKE_MIGRATIONS,
  INTAKE_STEPS,
  type IntakeTables,
  MeterVerifier,
  NodeDocuments,
} from "./intake/index.js";
import { Ledger } from "./ledger.js";
import { measuring } from "./measuring.js";
import { limitOthers, RESULT_MIGRATIONS, RESULT_STEPS, Results, resultTime, type ResultTables } from "./results.js";
import {
  SIGNER_DOCUMENT_MIGRATIONS,
  SIGNER_DOCUMENT_STEPS,
  SignerDocuments,
  type SignerDocumentTables,
} from "./signerDocuments.js";

type SignerTables = AttestationTables &
  AuditTables &
  BatchTables &
  ChainTables &
  ChallengeTables &
  IntakeTables &
  LinkTables &
  ResultTables &
  SignerDocumentTables;

const MIGRATIONS: Migrations = {
  ...ATTESTATION_MIGRATIONS,
  ...AUDIT_MIGRATIONS,
  ...BATCH_MIGRATIONS,
  ...CHAIN_MIGRATIONS,
  ...CHALLENGE_MIGRATIONS,
  ...INTAKE_MIGRATIONS,
  ...LINK_MIGRATIONS,
  ...RESULT_MIGRATIONS,
  ...SIGNER_DOCUMENT_MIGRATIONS,
};

/** Where a signer stands before and after each durable write and each send. */
export const SIGNER_STEPS = [
  ...ATTESTATION_STEPS,
  ...AUDIT_STEPS,
  ...BATCH_STEPS,
  ...CHAIN_STEPS,
  ...CHALLENGE_STEPS,
  ...INTAKE_STEPS,
  ...LINK_STEPS,
  ...RESULT_STEPS,
  ...SIGNER_DOCUMENT_STEPS,
] as const;

/** Milliseconds between two exchanges of documents. */
const EXCHANGE = 30_000;

/** Opens a signer's store. */
export function openSignerStore({ store }: Pick<SignerConfig, "store">): Promise<Store<SignerTables>> {
  return openStore<SignerTables>(store, MIGRATIONS);
}

/** An oracle signer, as a process. */
export function signerRole(config: SignerConfig): Role {
  return { name: "signer", config, start: (context) => startSigner(config, context) };
}

async function startSigner(config: SignerConfig, context: RoleContext): Promise<Stoppable> {
  const parts = await partsOf(config, context);
  const { auditor, batch, chain, catchUp, client, server, store } = parts;
  const { signal } = context;
  const loops = [chain.run(signal), catchUp.run(signal), meet(parts, config, signal), work(parts, config, context)];
  return {
    stop: async () => {
      await Promise.all(loops);
      // who is slow is not waited for
      client.close();
      await batch.settled();
      await auditor.close();
      await server.close();
      await store.close();
    },
  };
}

/** Asks for the other signers' documents again and again, beside all else: a signer that is slow keeps no work waiting. */
async function meet({ chain, documents }: Parts, { tick }: SignerConfig, signal: AbortSignal): Promise<void> {
  let exchangedAt = -Infinity;
  while (!signal.aborted) {
    const isMissing = () => documents.inForce().length < chain.signers().signers.length;
    if (chain.isKnown && (performance.now() - exchangedAt > EXCHANGE || isMissing())) {
      await documents.exchange(signal);
      exchangedAt = performance.now();
    }
    await sleep(tick * 1_000, undefined, { signal }).catch(() => undefined);
  }
}

/** Does what is due again and again. */
async function work(parts: Parts, { tick }: SignerConfig, { clock, health, signal, log }: RoleContext): Promise<void> {
  const { auditor, batch, board, chain, documents, results, intake } = parts;
  while (!signal.aborted) {
    try {
      if (chain.isKnown) {
        await documents.renew().catch((error: unknown) => {
          // the batches report it
          if (!(error instanceof ClockError)) throw error;
        });
        reportPeers(parts, health);
        await intake.readStopped();
        await board.advance();
        await auditor.advance();
        await batch.advance();
        await results.prune();
        await parts.measure();
        health.report("work", "ok");
      } else health.report("work", "waiting", "the chain was not read yet");
    } catch (error) {
      health.report("work", "waiting", reasonOf(error));
      log.debug({ reason: reasonOf(error), now: clock.constructor.name }, "work not finished");
    }
    await sleep(tick * 1_000, undefined, { signal }).catch(() => undefined);
  }
}

function reportPeers({ chain, documents, signer }: Parts, health: RoleContext["health"]): void {
  const { signers, quorum } = chain.signers();
  if (signers.includes(signer)) health.report("signer", "ok");
  else health.report("signer", "waiting", `${signer} is no signer of the oracle`);
  const known = documents.inForce().length;
  if (known >= quorum) health.report("peers", "ok");
  else health.report("peers", "waiting", `documents of ${known} signers are known, ${quorum} are needed`);
}

type Parts = Awaited<ReturnType<typeof partsOf>>;

/** Puts a signer together. */
async function partsOf(config: SignerConfig, { log, metrics, clock, health, signal }: RoleContext) {
  const keys = {
    signer: await readKey(config.keys.signer),
    link: await readKey(config.keys.link),
    gas: await readKey(config.keys.gas),
    draw: Buffer.from((await readSecret(config.keys.draw)).slice(2), "hex"),
    age: await readSecret(config.keys.age),
  };
  const signer = keys.signer.address.toLowerCase();
  const interval = BigInt(config.interval);
  const { book, connect } = await chainOf(config.chain);
  const chainId = BigInt(book.chainId);
  const { escrow, oracle, registry } = book.addresses;
  const domains = {
    oracle: oracleDomain(chainId, oracle),
    link: linkDomain(chainId, oracle),
    meter: meterDomain(chainId, escrow),
    node: nodeDomain(chainId, registry),
    job: jobDomain(chainId, escrow),
  };
  await mkdir(config.folder, { recursive: true, mode: 0o700 });
  const store = await openSignerStore(config);
  /** Each part sees its own tables alone. */
  const tables = <T>(): Kysely<T> => store.db as unknown as Kysely<T>;
  const client = new HttpClient();
  const chain = new ChainFacts({ ...config.chain, connect, book, db: tables(), clock, health });
  const draws = new Draws(keys.draw);
  const documents = new SignerDocuments({
    signerKey: keys.signer,
    linkKey: keys.link,
    endpoint: config.endpoint.replace(/\/$/, ""),
    encryptionKey: await recipientOf(keys.age),
    draws,
    interval,
    peers: config.peers.map((each) => each.replace(/\/$/, "")),
    domain: domains.oracle,
    signers: () => (chain.isKnown ? chain.signers().signers : []),
    isSignedByContract: (document) =>
      chain.isSignedByContract(document.signer, SIGNER_DOCUMENT.digest(domains.oracle, document), document.signature),
    db: tables(),
    client,
    clock,
    blockTime: () => chain.blockTime(),
    log,
  });
  await documents.load();
  const nodeDocuments = await NodeDocuments.open({
    db: tables(),
    facts: chain,
    domain: domains.node,
    clock,
    client,
    log,
    allowPrivate: config.allowPrivate,
  });
  const intake = new Intake({
    db: tables(),
    facts: chain,
    documents: nodeDocuments,
    verifier: await MeterVerifier.of(domains.meter),
    clock,
    log,
  });
  const peers = () => documents.inForce().filter((each) => each.signer !== signer);
  const age = { identity: keys.age, recipient: await recipientOf(keys.age) };
  const audits = await openAudits({
    ...{ config, db: tables(), facts: chain, documents: nodeDocuments, draws, age, linkKey: keys.link },
    ...{ domains, client, clock, log, metrics },
  });
  const catchUp = new CatchUp({
    audits,
    intake,
    documents: nodeDocuments,
    facts: chain,
    peers,
    client,
    log,
    interval: EXCHANGE / 1_000,
  });
  const files = new ReceiptFiles(path.join(config.folder, "receipts"), tables());
  const results = new Results({
    db: tables(),
    folder: path.join(config.folder, "results"),
    maxBytes: config.maxResultBytes,
    evidence: (author, most) => intake.log.evidence(author, most),
    checkDisk: () => checkDisk(config.folder),
    clock,
    log,
  });
  const link = new Link({
    signer,
    linkKey: keys.link,
    domain: domains.link,
    documents: () => documents.inForce(),
    db: tables(),
    clock,
    client,
  });
  const documentOf = (each: string) => documents.of(each);
  const board: ChallengeBoard = new ChallengeBoard({
    signer,
    db: tables(),
    draws,
    terms: {
      perTU: BigInt(config.challenges.perTU),
      work: BigInt(config.challenges.work),
      grace: BigInt(config.challenges.grace),
    },
    slot: BigInt(config.challenges.slot),
    oneIn: BigInt(config.challenges.oneIn),
    patience: BigInt(config.challenges.patience),
    interval,
    chain,
    heads: () => ledger.heads(),
    isMeterKey: async (nodeId, key, now) => {
      const known = nodeDocuments.keysAt(nodeId, now);
      if (known.length === 0) nodeDocuments.want(nodeId);
      return known.includes(key);
    },
    domain: domains.meter,
    clock,
    log,
    metrics,
  });
  const ledger: Ledger = new Ledger({
    chain,
    intake,
    documents: nodeDocuments,
    challenges: board,
    results,
    files,
    vetoes: new Vetoes(tables()),
    auditor: audits.auditor,
  });
  const { network } = config.chain;
  const submitter = new Submitter({
    gasKey: keys.gas,
    connect: async () => ({ name: network, chain: CHAINS[network], chainId, provider: await connect() }),
    contracts: ({ provider }) => connectContracts(book.addresses, provider),
    journal: path.join(config.folder, "sent.json"),
    maxFeePerGas: config.maxFeeGwei === undefined ? undefined : parseUnits(String(config.maxFeeGwei), "gwei"),
    log,
    health,
  });
  const attestations = new Attestations({
    isOffered: config.attest,
    signer,
    db: tables(),
    chain,
    documents: nodeDocuments,
    domain: domains.meter,
    sign: async (message) => (await signMessage(keys.signer, domains.oracle, "NodeAttestation", message)).signature,
    clock,
    log,
  });
  const isRight = async (message: OracleMessages["ReceiptBatch"], by: BatchSignature) =>
    (await isValidSignature({ domain: domains.oracle, runner: null }, "ReceiptBatch", message, by)) ||
    chain.isSignedByContract(
      by.signer,
      TypedDataEncoder.hash(domains.oracle, typesOf("ReceiptBatch"), message),
      by.signature,
    );
  const batch = new Batch(
    {
      signer,
      interval,
      delay: BigInt(config.delay),
      db: tables(),
      files,
      chain,
      judge: () => ledger.judge(),
      pairs: () => ledger.pairs().length,
      catchUp: async (from) => void (await catchUp.pullFrom(from, signal)),
      fetch: (from, { dataHash, bytes }) =>
        client.stream(`${from.endpoint}/v1/proposals/${dataHash}`, {
          maxBytes: Number(bytes),
          signal: AbortSignal.timeout(config.delay * 1_000),
        }),
      documentOf,
      sign: async (message) => (await signMessage(keys.signer, domains.oracle, "ReceiptBatch", message)).signature,
      checkDisk: () => checkDisk(config.folder),
      outbox: new Outbox({ db: tables(), link, documentOf, clock, log }),
      submitter,
      clock,
      health,
      log,
      metrics: new BatchMetrics(metrics),
    },
    isRight,
  );
  // results take longer than all else
  const limits = { body: resultTime(config.maxResultBytes) };
  const server = await openServer({ listen: config.listen, log, limits }, (on) => {
    on.addHook("onRequest", limitOthers);
    on.addHook("onRequest", async () => {
      if (!chain.isKnown) throw new RefusedError(503, "not-ready", "The chain was not read yet: try again later");
    });
    addIntakeRoutes(on, { intake, facts: chain, documents: nodeDocuments, health, metrics });
    addChallengeRoutes(on, board);
    addBatchRoutes(on, { link, files, ...batch });
    attestations.addRoutes(on);
    documents.addRoutes(on);
    results.addRoutes(on);
    audits.addRoutes(on);
  });
  log.info({ signer, gas: keys.gas.address.toLowerCase(), listen: server.addresses() }, "listening");
  const measure = measuring(metrics, config.folder, chain);
  const { auditor } = audits;
  return { auditor, batch, board, catchUp, chain, client, documents, intake, measure, results, server, signer, store };
}
