import path from "node:path";

import type { TypedDataDomain, Wallet } from "ethers";
import type { FastifyInstance } from "fastify";
import type { Kysely } from "kysely";
import type { Logger } from "pino";
import type { Registry } from "prom-client";

import type { ChainFacts } from "../../chain/index.js";
import type { HttpClient } from "../../http/index.js";
import type { AgeKey } from "../../job/index.js";
import type { Clock } from "../../runtime/index.js";
import type { SignerConfig } from "../config.js";
import type { Draws } from "../draws.js";
import type { NodeDocuments } from "../intake/index.js";
import { Auditor } from "./auditor.js";
import { Claims } from "./claims.js";
import { AuditedJobs } from "./jobs.js";
import { addAuditRoutes } from "./routes.js";
import { WorkerSource } from "./source.js";
import type { AuditTables } from "./tables.js";

export interface AuditsOptions {
  config: Pick<SignerConfig, "allowPrivate" | "auditOneIn" | "folder" | "interval" | "maxBundleBytes">;
  db: Kysely<AuditTables>;
  facts: ChainFacts;
  documents: NodeDocuments;
  draws: Draws;
  age: AgeKey;
  linkKey: Wallet;
  domains: { meter: TypedDataDomain; job: TypedDataDomain; link: TypedDataDomain };
  client: HttpClient;
  clock: Clock;
  log: Logger;
  metrics: Registry;
}

/** What a signer does about joint training. */
export interface Audits {
  claims: Claims;
  auditor: Auditor;
  isAudited(orderId: bigint): boolean;
  addRoutes(server: FastifyInstance): void;
}

/** Puts together what takes workers' claims and recomputes their rounds. */
export async function openAudits(options: AuditsOptions): Promise<Audits> {
  const { config, db, facts, documents, draws, age, linkKey, domains, client, clock, log, metrics } = options;
  const claims = new Claims({ db, facts, documents, domain: domains.meter, clock });
  const { allowPrivate, maxBundleBytes: maxBytes } = config;
  const source = new WorkerSource({
    facts,
    documents,
    client,
    linkKey,
    domain: domains.link,
    clock,
    allowPrivate,
    log,
  });
  const folder = path.join(config.folder, "training");
  const jobs = await AuditedJobs.open({ db, facts, age, domain: domains.job, folder, maxBytes, source, log });
  const drawn = { draws, interval: BigInt(config.interval), oneIn: BigInt(config.auditOneIn) };
  const auditor = new Auditor({ db, claims, jobs, source, chain: facts, ...drawn, log, metrics });
  return {
    claims,
    auditor,
    isAudited: (orderId) => jobs.isGranted(orderId),
    addRoutes: (server) => addAuditRoutes(server, claims, jobs),
  };
}
