import { BATCH_SIGNATURE, MAX_ROOTS, PROPOSAL, PROPOSAL_ANSWER, ROOTS } from "@turingfog/sdk/wire";
import type { FastifyInstance, FastifyReply } from "fastify";

import { type Link, readBody, RefusedError } from "../../http/index.js";
import type { Checking } from "./checking.js";
import type { ReceiptFiles } from "./files.js";
import type { BatchOptions } from "./options.js";
import type { Proposing } from "./proposing.js";
import type { Signing } from "./signing.js";

/** Seconds for which a file is published at least. */
const PUBLISHED = 30n * 86_400n;

interface Parts {
  link: Link;
  files: ReceiptFiles;
  checking: Checking;
  proposing: Proposing;
  signing: Signing;
}

/** Adds what signers say to each other about batches, and what they publish. */
export function addBatchRoutes(server: FastifyInstance, { link, files, checking, proposing, signing }: Parts): void {
  server.post("/v1/proposals", async (request, reply) => {
    const from = await link.check(request);
    await checking.take(from, readBody(PROPOSAL, request));
    return reply.code(202).send({});
  });
  server.post<{ Params: { hash: string } }>("/v1/proposals/:hash/answers", async (request) => {
    const { signer } = await link.check(request);
    const answer = readBody(PROPOSAL_ANSWER, request);
    checkHash(answer.dataHash, request.params.hash);
    await proposing.take(signer, answer);
    return {};
  });
  server.post<{ Params: { hash: string } }>("/v1/proposals/:hash/signatures", async (request) => {
    await link.check(request);
    const signature = readBody(BATCH_SIGNATURE, request);
    checkHash(signature.dataHash, request.params.hash);
    await signing.take(signature);
    return {};
  });
  server.get<{ Params: { hash: string } }>("/v1/proposals/:hash", ({ params }, reply) =>
    send(files, params.hash, reply),
  );
  server.get<{ Params: { hash: string } }>("/v1/receipts/:hash", ({ params }, reply) =>
    send(files, params.hash, reply),
  );
  server.get<{ Querystring: { after?: string } }>("/v1/roots", async ({ query }, reply) => {
    const after = query.after ?? "0";
    if (!/^[0-9]{1,18}$/.test(after)) throw new RefusedError(400, "bad-request", "after must be a number of a root");
    const roots = (await files.after(BigInt(after), MAX_ROOTS)).map(({ number, receiptsRoot, dataHash, bytes }) => ({
      number,
      receiptsRoot,
      dataHash,
      bytes,
    }));
    return reply.type("application/json").send(ROOTS.encode({ roots }));
  });
}

/**
 * Deletes files that nobody needs: 30 days old, and each of their orders is closed or stands higher in a later final file,
 * or their root never came to the chain.
 */
export async function prune({ chain, clock, files, log }: BatchOptions): Promise<void> {
  const old = (await files.all()).filter(({ storedAt }) => clock.now() >= storedAt + PUBLISHED);
  if (old.length === 0) return;
  const needed = new Set<string>();
  for (const { orderId, receipts } of (await files.receipts()).chains()) {
    if (chain.order(orderId)?.closed ?? true) continue;
    const final = receipts.filter(({ dataHash }) => chain.root(dataHash)?.state === "final");
    for (const { batch, cumulativeTU, dataHash } of receipts) {
      const isExceeded = final.some((later) => later.batch > batch && later.cumulativeTU > cumulativeTU);
      if (!isExceeded && chain.root(dataHash) !== undefined) needed.add(dataHash);
    }
  }
  for (const { dataHash } of old.filter((file) => !needed.has(file.dataHash))) {
    await files.forget(dataHash);
    log.info({ dataHash }, "file deleted");
  }
}

async function send(files: ReceiptFiles, dataHash: string, reply: FastifyReply): Promise<FastifyReply> {
  const file = /^0x[0-9a-f]{64}$/.test(dataHash) ? await files.find(dataHash) : undefined;
  if (file === undefined) throw new RefusedError(404, "unknown-file", "This signer does not have the file");
  if (file.isGone) {
    const { receiptsRoot, bytes } = file;
    throw new RefusedError(410, "gone", `The file of root ${receiptsRoot}, ${bytes} bytes, is published no more`);
  }
  return (
    reply
      .type("application/json")
      .header("content-length", String(file.bytes))
      // a page of any host may check what is published
      .header("access-control-allow-origin", "*")
      .header("cache-control", "public, max-age=2592000, immutable")
      .send(files.stream(dataHash))
  );
}

function checkHash(given: string, named: string): void {
  if (given !== named) throw new RefusedError(400, "other-file", `The message is of ${given}, its address of ${named}`);
}
