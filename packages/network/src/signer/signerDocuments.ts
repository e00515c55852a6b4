import { DRAW, documentInForce, type Signed, SIGNER_DOCUMENT, type SignerDocument, SIGNERS } from "@turingfog/sdk/wire";
import type { TypedDataDomain, Wallet } from "ethers";
import type { FastifyInstance } from "fastify";
import type { ColumnDefinitionBuilder, Kysely } from "kysely";
import type { Logger } from "pino";

import { type HttpClient, RefusedError } from "../http/index.js";
import { type Clock, reasonOf, step } from "../runtime/index.js";
import { type Migrations, toBytes } from "../store/index.js";
import type { Draws } from "./draws.js";

/** Documents of signers, as they came. */
export interface SignerDocumentTables {
  signer_documents: { signer: Uint8Array; sequence: bigint; body: string };
}

const required = (column: ColumnDefinitionBuilder) => column.notNull();

export const SIGNER_DOCUMENT_MIGRATIONS: Migrations = {
  "signer-documents-1": async (db, { blob, integer, text }) => {
    await db.schema
      .createTable("signer_documents")
      .addColumn("signer", blob, required)
      .addColumn("sequence", integer, required)
      .addColumn("body", text, required)
      .addPrimaryKeyConstraint("signer_documents_key", ["signer", "sequence", "body"])
      .execute();
  },
};

export const SIGNER_DOCUMENT_STEPS = ["signer.document.before-store", "signer.document.stored"] as const;

/** Intervals for which a document is in force: the one it is made in, and those in which the next ones may fail. */
const LIFETIME = 24n;

const MAX_ANSWER = 2_097_152;

/** Milliseconds in which a signer's answer must be there: whoever is slower is asked again. */
const TIMEOUT = 10_000;

export interface SignerDocumentsOptions {
  signerKey: Wallet;
  linkKey: Wallet;
  /** The base of this signer's address, as others reach it. */
  endpoint: string;
  encryptionKey: string;
  draws: Draws;
  /** Seconds of an interval of draws. */
  interval: bigint;
  /** Where other signers are, to begin with. */
  peers: readonly string[];
  domain: TypedDataDomain;
  /** Returns the signers in force, in lower case. */
  signers: () => readonly string[];
  /** Says whether a contract takes a signature as its own. */
  isSignedByContract: (document: Signed<SignerDocument>) => Promise<boolean>;
  db: Kysely<SignerDocumentTables>;
  client: HttpClient;
  clock: Clock;
  /** Returns the time of the last final block, by which samples are drawn. */
  blockTime: () => bigint;
  log: Logger;
}

/** The documents of all signers, each told by every other. */
export class SignerDocuments {
  private readonly known = new Map<string, Signed<SignerDocument>[]>();

  constructor(private readonly options: SignerDocumentsOptions) {}

  /** Reads what is stored. */
  async load(): Promise<void> {
    const rows = await this.options.db.selectFrom("signer_documents").select("body").execute();
    for (const { body } of rows) this.keep(SIGNER_DOCUMENT.decode(body));
  }

  /** Returns the documents in force of the signers in force. */
  inForce(): SignerDocument[] {
    return this.options.signers().flatMap((signer) => this.of(signer) ?? []);
  }

  /** Returns the document in force of a signer. */
  of(signer: string): Signed<SignerDocument> | undefined {
    const documents = this.known.get(signer) ?? [];
    return documents.length === 0 ? undefined : documentInForce(SIGNER_DOCUMENT, documents, this.options.clock.now());
  }

  /**
   * Signs a document if none says what is so now: where this signer is, its keys, and what it commits itself to.
   * @throws ClockError
   */
  async renew(): Promise<void> {
    const { signerKey, linkKey, endpoint, encryptionKey, draws, interval, domain, clock, log } = this.options;
    const signer = signerKey.address.toLowerCase();
    const now = clock.now();
    const current = now / interval;
    const wanted = {
      endpoint,
      linkKey: linkKey.address.toLowerCase(),
      encryptionKey,
      drawCommitment: draws.commitment(current + 1n),
    };
    const last = this.of(signer);
    const isSaid = Object.entries(wanted).every(([key, value]) => last?.[key as keyof typeof wanted] === value);
    if (isSaid) return;
    clock.check();
    const before = (this.known.get(signer) ?? []).reduce(
      (most, { sequence }) => (sequence > most ? sequence : most),
      0n,
    );
    const sequence = before >= now ? before + 1n : now;
    const expiresAt = (current + LIFETIME) * interval;
    const document = await SIGNER_DOCUMENT.sign(signerKey, domain, { signer, sequence, expiresAt, ...wanted });
    await this.store(document);
    log.info({ sequence: String(sequence), endpoint }, "document signed");
  }

  /** Asks every signer, and where signers are to be found, for the documents that they know. */
  async exchange(signal?: AbortSignal): Promise<void> {
    const { peers, client, signerKey, log } = this.options;
    const own = signerKey.address.toLowerCase();
    const known = this.inForce().flatMap(({ signer, endpoint }) => (signer === own ? [] : [endpoint]));
    await Promise.all(
      [...new Set([...peers, ...known])].map(async (endpoint) => {
        try {
          const settings = { maxBytes: MAX_ANSWER, timeout: TIMEOUT, signal };
          const { documents } = SIGNERS.decode(await client.get(`${endpoint}/v1/signers`, settings));
          for (const document of documents) await this.take(document);
        } catch (error) {
          log.debug({ reason: reasonOf(error) }, "documents not fetched");
        }
      }),
    );
  }

  /** Adds the documents, and the secrets of intervals that are over. */
  addRoutes(server: FastifyInstance): void {
    const { draws, interval, blockTime } = this.options;
    server.get("/v1/signers", async (_, reply) => {
      const documents = this.options.signers().flatMap((signer) => this.of(signer) ?? []);
      return reply.type("application/json").send(SIGNERS.encode({ documents }));
    });
    server.get<{ Params: { interval: string } }>("/v1/draws/:interval", async ({ params }, reply) => {
      const asked = /^[0-9]{1,18}$/.test(params.interval) ? BigInt(params.interval) : undefined;
      if (asked === undefined) throw new RefusedError(400, "bad-request", "The interval must be a number");
      const current = blockTime() / interval;
      // final blocks may be many minutes old, and this signer draws by their time
      if (asked + 1n >= current) {
        throw new RefusedError(404, "not-over", `Secrets are given until interval ${current - 2n}: ask again later`);
      }
      const secret = `0x${draws.secret(asked).toString("hex")}`;
      return reply.type("application/json").send(DRAW.encode({ interval: asked, secret }));
    });
  }

  /** Keeps another signer's document, if it is one and says something new. */
  private async take(document: Signed<SignerDocument>): Promise<void> {
    const { signers, signerKey, domain, isSignedByContract, log } = this.options;
    const { signer, sequence } = document;
    if (!signers().includes(signer) || signer === signerKey.address.toLowerCase()) return;
    const known = this.known.get(signer) ?? [];
    const text = SIGNER_DOCUMENT.encode(document);
    const isOld = known.some((each) => each.sequence > sequence || SIGNER_DOCUMENT.encode(each) === text);
    // a signer that signs several documents of one sequence has none in force: two are enough to know it
    if (isOld || known.filter((each) => each.sequence === sequence).length > 1) return;
    const isByKey = SIGNER_DOCUMENT.signerOf(domain, document) === signer;
    if (!isByKey && !(await isSignedByContract(document))) {
      log.warn({ signer, sequence: String(sequence) }, "document refused: not signed by its signer");
      return;
    }
    const other = this.inForce().find((each) => each.linkKey === document.linkKey && each.signer !== signer);
    if (other !== undefined) {
      log.warn({ signer, sequence: String(sequence), other: other.signer }, "document refused: another's link key");
      return;
    }
    await this.store(document);
  }

  private async store(document: Signed<SignerDocument>): Promise<void> {
    const { db } = this.options;
    const signer = toBytes(document.signer);
    step("signer.document.before-store");
    await db.transaction().execute(async (transaction) => {
      await transaction
        .deleteFrom("signer_documents")
        .where("signer", "=", signer)
        .where("sequence", "<", document.sequence)
        .execute();
      await transaction
        .insertInto("signer_documents")
        .values({ signer, sequence: document.sequence, body: SIGNER_DOCUMENT.encode(document) })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    });
    step("signer.document.stored");
    this.keep(document);
  }

  private keep(document: Signed<SignerDocument>): void {
    const known = (this.known.get(document.signer) ?? []).filter(({ sequence }) => sequence >= document.sequence);
    this.known.set(document.signer, [...known, document]);
  }
}
