import { DAY, RefusedLogError, TuringFogError } from "@turingfog/sdk";
import { checkHardware, WrongHardwareError } from "@turingfog/sdk/ethers";
import { measurementsOfLog } from "@turingfog/sdk/node";
import {
  ATTESTATION,
  ATTESTATION_HEADER,
  ATTESTATION_REQUEST,
  type AttestationRequest,
  type GivenAttestation,
  type OracleMessages,
  type Signed,
} from "@turingfog/sdk/wire";
import { sha256, type TypedDataDomain } from "ethers";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ColumnDefinitionBuilder, Kysely } from "kysely";
import type { Logger } from "pino";

import type { ChainFacts } from "../chain/index.js";
import { type Allowance, Budget, RefusedError, senderOf } from "../http/index.js";
import { type Clock, ClockError, step } from "../runtime/index.js";
import { fromBlob, isUniqueViolation, type Migrations, toBlob, toBytes } from "../store/index.js";
import type { NodeDocuments } from "./intake/index.js";
import { Senders } from "./senders.js";

/** The node and the end that were signed for each log. */
export interface AttestationTables {
  attested_logs: { evidence: Uint8Array; node_id: Uint8Array; valid_until: bigint };
}

const required = (column: ColumnDefinitionBuilder) => column.notNull();

export const ATTESTATION_MIGRATIONS: Migrations = {
  "attestations-1": async (db, { blob, integer }) => {
    await db.schema
      .createTable("attested_logs")
      .addColumn("evidence", blob, (column) => column.notNull().primaryKey())
      .addColumn("node_id", blob, required)
      .addColumn("valid_until", integer, required)
      .execute();
  },
};

export const ATTESTATION_STEPS = ["signer.attestation.before-store", "signer.attestation.stored"] as const;

/** The longest that the registry attests a node ahead, in seconds. */
const LONGEST = 90n * DAY;

/** Logs of one node that are read; the store keeps each that is taken. */
const PER_NODE = { burst: 4, perSecond: 4 / 86_400 };

/** The cost of a refused request to its sender: a log is read for it. */
const COST = 64;

export interface AttestationsOptions {
  /** Whether the operator lets the signer attest by itself. */
  isOffered: boolean;
  signer: string;
  db: Kysely<AttestationTables>;
  chain: Pick<ChainFacts, "node" | "signers">;
  documents: Pick<NodeDocuments, "keysAt" | "want">;
  /** That of meter keys. */
  domain: TypedDataDomain;
  sign: (message: OracleMessages["NodeAttestation"]) => Promise<string>;
  clock: Clock;
  log: Logger;
  /** What senders may send that is refused. */
  perSender?: Allowance;
}

/** Attests nodes that show a consistent benchmark log, each log for one node and one time. */
export class Attestations {
  private readonly senders: Senders;
  private readonly nodes = new Budget(PER_NODE);
  private readonly busy = new Set<string>();

  constructor(private readonly options: AttestationsOptions) {
    this.senders = new Senders(options.perSender);
  }

  addRoutes(server: FastifyInstance): void {
    const onRequest = async (request: FastifyRequest) => {
      if (!this.options.isOffered) {
        throw new RefusedError(403, "not-offered", "This signer attests no node by itself: ask its operator");
      }
      this.senders.check(request);
    };
    server.post("/v1/attestations", { onRequest }, async (request, reply) => {
      const sender = senderOf(request.ip);
      const given = await this.alone(sender, () => this.attest(request));
      return reply.type("application/json").send(ATTESTATION.encode(given));
    });
  }

  /** Does one request of a sender at a time, and charges the sender for a refused one. */
  private async alone<T>(sender: string, work: () => Promise<T>): Promise<T> {
    if (this.busy.has(sender))
      throw new RefusedError(429, "busy", "A request of this address is under way: send it again");
    this.busy.add(sender);
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RefusedError && error.status === 503)) this.senders.charge(sender, COST);
      throw error;
    } finally {
      this.busy.delete(sender);
    }
  }

  private async attest({ headers, body }: FastifyRequest): Promise<GivenAttestation> {
    const text = headers[ATTESTATION_HEADER.toLowerCase()];
    if (typeof text !== "string") throw new RefusedError(401, "no-request", `${ATTESTATION_HEADER} is missing`);
    const request = ATTESTATION_REQUEST.decode(text);
    const log = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
    this.checkReady();
    this.checkSender(request);
    checkEvidence(request, log);
    if (!(await this.isSigned(request))) {
      this.checkValidity(request);
      await this.checkLog(request, log);
      await this.store(request);
    }
    return this.sign(request);
  }

  private checkReady(): void {
    const { chain, clock, signer } = this.options;
    if (!chain.signers().signers.includes(signer)) {
      throw new RefusedError(503, "no-signer", `${signer} is no signer of the oracle`);
    }
    try {
      clock.check();
    } catch (error) {
      if (error instanceof ClockError) throw new RefusedError(503, "wrong-clock", error.message);
      throw error;
    }
  }

  /** Checks that the meter key of a known node has signed. */
  private checkSender(request: Signed<AttestationRequest>): void {
    const { chain, documents, domain, clock } = this.options;
    const { nodeId } = request;
    if (chain.node(nodeId) === undefined) {
      throw new RefusedError(404, "unknown-node", `No final block has a node ${nodeId}`);
    }
    const keys = documents.keysAt(nodeId, clock.now());
    if (keys.length === 0) {
      documents.want(nodeId);
      throw new RefusedError(
        503,
        "no-document",
        `No document of node ${nodeId} is known: publish it, and ask again in a minute`,
      );
    }
    const key = ATTESTATION_REQUEST.signerOf(domain, request);
    if (key !== undefined && keys.includes(key)) return;
    throw new RefusedError(403, "bad-signature", `It is not signed by a meter key of node ${nodeId} in force`);
  }

  /** Checks an end as the registry does, so that no log is used up for a signature that it does not take. */
  private checkValidity({ nodeId, validUntil }: AttestationRequest): void {
    const { chain, clock } = this.options;
    const now = clock.now();
    const attested = chain.node(nodeId)?.attestations.map(({ until }) => until) ?? [];
    const before = attested.reduce((last, until) => (until > last ? until : last), now);
    const latest = now + LONGEST;
    if (validUntil > before && validUntil <= latest) return;
    throw new RefusedError(
      400,
      "validity-out-of-bounds",
      `The attestation would end at ${validUntil}, must end after ${before} and by ${latest}`,
    );
  }

  /**
   * Returns whether the same was signed before.
   * @throws RefusedError if something else was signed for the log
   */
  private async isSigned({ evidence, nodeId, validUntil }: AttestationRequest): Promise<boolean> {
    const { db } = this.options;
    const row = await db
      .selectFrom("attested_logs")
      .selectAll()
      .where("evidence", "=", toBytes(evidence))
      .executeTakeFirst();
    if (row === undefined) return false;
    if (fromBlob(row.node_id) === nodeId && row.valid_until === validUntil) return true;
    throw new RefusedError(
      409,
      "log-used",
      `This log was shown for node ${fromBlob(row.node_id)} until ${row.valid_until}: run the benchmark anew`,
    );
  }

  private async checkLog({ nodeId, card }: AttestationRequest, log: Buffer): Promise<void> {
    if (!this.nodes.take(String(nodeId))) {
      throw new RefusedError(429, "over-budget", `Node ${nodeId} has shown too many logs: ask again tomorrow`);
    }
    try {
      const { gpu } = await measurementsOfLog("The log", log, card || undefined);
      checkHardware({ nodeId, gpuModel: this.options.chain.node(nodeId)?.gpuModel ?? "" }, gpu);
    } catch (error) {
      throw refusalOf(error);
    }
  }

  /** Writes down what is signed, before it is. */
  private async store(request: AttestationRequest): Promise<void> {
    const { db, log } = this.options;
    const { evidence, nodeId, validUntil } = request;
    const row = { evidence: toBytes(evidence), node_id: toBlob(nodeId), valid_until: validUntil };
    step("signer.attestation.before-store");
    try {
      await db.insertInto("attested_logs").values(row).execute();
    } catch (error) {
      // another sender was first
      if (!isUniqueViolation(error)) throw error;
      await this.isSigned(request);
    }
    step("signer.attestation.stored");
    log.info({ nodeId: String(nodeId), evidence, validUntil: String(validUntil) }, "node attested");
  }

  private async sign({ nodeId, validUntil, evidence }: AttestationRequest): Promise<GivenAttestation> {
    const { chain, signer, sign } = this.options;
    const signerSetVersion = chain.signers().version;
    return { signerSetVersion, signer, signature: await sign({ nodeId, validUntil, evidence, signerSetVersion }) };
  }
}

function checkEvidence({ evidence }: AttestationRequest, log: Buffer): void {
  const hash = sha256(log);
  if (evidence === hash) return;
  throw new RefusedError(400, "other-evidence", `The evidence is ${evidence}, the log's SHA-256 ${hash}`);
}

/** Names why a log is refused, by the fault that the reader of logs has found. */
function refusalOf(error: unknown): unknown {
  if (error instanceof RefusedLogError) {
    return new RefusedError(422, `log-${error.fault.replaceAll(" ", "-").toLowerCase()}`, error.message);
  }
  if (error instanceof WrongHardwareError) return new RefusedError(422, "other-hardware", error.message);
  return error instanceof TuringFogError ? new RefusedError(422, "log-refused", error.message) : error;
}
