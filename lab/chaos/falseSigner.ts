import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { HttpError } from "@turingfog/network";
import {
  ENVELOPE,
  ENVELOPE_HEADER,
  linkDomain,
  PROPOSAL,
  PROPOSAL_ANSWER,
  type Proposal,
  SIGNERS,
  type SignerDocument,
} from "@turingfog/sdk/wire";
import { hexlify, randomBytes, sha256, toUtf8Bytes, Wallet } from "ethers";

import type { Member } from "./member";
import { CHAIN_ID, type World } from "./world";

const LIFETIME = 120n;

/** A file, or its content again and again without an end. */
interface ServedFile {
  content: Uint8Array;
  isEndless: boolean;
}

/** In the place of a signer, with its keys: serves what it is given as receipt files, and tells others what it likes. */
export class FalseSigner {
  /** What it serves under a hash. */
  readonly files = new Map<string, ServedFile>();

  private constructor(
    private readonly world: World,
    private readonly linkKey: Wallet,
    private readonly others: readonly SignerDocument[],
    private readonly server: Server,
  ) {}

  /** @param member a signer that does not run */
  static async open(world: World, member: Member): Promise<FalseSigner> {
    const linkKey = new Wallet((await readFile(path.join(member.folder, "link.key"), "utf8")).trim());
    const { documents } = SIGNERS.decode(await world.ask("/v1/signers"));
    const others = documents.filter(({ signer }) => signer !== member.address);
    const server = createServer((request, response) => {
      signer.serve(request, response).catch(() => response.destroy());
    });
    const signer = new FalseSigner(world, linkKey, others, server);
    server.listen(Number(new URL(member.options.endpoint).port), "127.0.0.1");
    await once(server, "listening");
    return signer;
  }

  /** Announces a proposal to all others. */
  announce(proposal: Proposal): Promise<void> {
    return this.tell("/v1/proposals", PROPOSAL.encode(proposal));
  }

  /**
   * Posts to all others, and counts the names of their refusals.
   * @param times that each gets the same request, envelope and all
   */
  async tell(path: string, body: string, times = 1): Promise<void> {
    const { client, protocol, refusals, seconds } = this.world;
    for (const { signer, endpoint } of this.others) {
      const envelope = await ENVELOPE.sign(this.linkKey, linkDomain(CHAIN_ID, protocol.addresses.oracle), {
        receiver: signer,
        request: `POST ${path}`,
        bodyHash: sha256(toUtf8Bytes(body)),
        nonce: hexlify(randomBytes(32)),
        expiresAt: seconds + LIFETIME,
      });
      const headers = { [ENVELOPE_HEADER]: ENVELOPE.encode(envelope) };
      for (let i = 0; i < times; ++i) {
        await client.post(`${endpoint}${path}`, body, { headers }).catch((error: unknown) => {
          if (error instanceof HttpError && error.status !== 0) refusals.add(error.error);
        });
      }
    }
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await once(this.server.close(), "close");
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? "";
    let body = "";
    for await (const part of request) body += String(part);
    const file = this.files.get(url.replace("/v1/proposals/", ""));
    if (request.method === "GET" && file !== undefined) {
      response.writeHead(200);
      return pipeline(Readable.from(partsOf(file)), response);
    }
    if (url === "/v1/signers") return void response.end(await this.world.ask(url));
    if (url.endsWith("/answers")) {
      for (const { reason } of PROPOSAL_ANSWER.decode(body).refused) this.world.refusals.add(reason);
      return void response.end("{}");
    }
    response.writeHead(404, { "content-type": "application/json" }).end('{"error":"unknown","message":"none"}');
  }
}

function* partsOf({ content, isEndless }: ServedFile): Generator<Uint8Array> {
  do yield content;
  while (isEndless);
}
