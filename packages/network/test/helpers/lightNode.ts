import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

import { time } from "@nomicfoundation/hardhat-network-helpers";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { type AgeKey, newAgeKey, openGrant, sealResult, unpackBundle } from "@turingfog/network";
import { toJson } from "@turingfog/sdk";
import { ACKNOWLEDGEMENT, type Acknowledgement, GRANT, NODE_DOCUMENT, nodeDomain } from "@turingfog/sdk/wire";

import type { Protocol } from "../../../../test/helpers/fixture";

const MAX_BYTES = 10_000_000;

/** The one runner of a light node. */
export const LIGHT_RUNNER = { kind: "process" as const, name: "words", slots: { TEXT: "[a-z]{1,20}" } };

/** An order as the node knows it. */
interface LightOrder {
  identity?: string;
  bundle?: Buffer;
  result?: { hash: string; bytes: Buffer };
  acknowledgements: Acknowledgement[];
}

/**
 * Stands in for a node's agent: takes grants and bundles, opens them with the key that was granted, hands a result out that is
 * encrypted to the renter, and says that it has counted what it is told to say. It measures nothing.
 */
export class LightNode {
  readonly orders = new Map<string, LightOrder>();
  /** TU, 18 decimals, that it says it has counted on an order. */
  counts: (orderId: string) => bigint = () => 0n;
  /** Why it refuses a job, empty if it does not, and whether it is still at work on all. */
  refuses: (orderId: string) => string = () => "";
  isAtWork = false;
  /** Brings an acknowledgement to the chain. */
  settle: (acknowledgement: Acknowledgement) => Promise<unknown> = async () => undefined;

  private constructor(
    private readonly server: Server,
    private readonly key: AgeKey,
    private readonly folder: string,
  ) {}

  static async open(): Promise<LightNode> {
    const server = createServer((request, response) => {
      void node.serve(request, response).catch((error: Error) => {
        send(response, 500, { error: "failed", message: error.message });
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const folder = await mkdtemp(path.join(tmpdir(), "turingfog-lightnode-"));
    const node = new LightNode(server, await newAgeKey(), folder);
    return node;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Has a node's owner publish a document that leads here. */
  async publish({ addresses, contracts }: Protocol, owner: HardhatEthersSigner, nodeId: bigint): Promise<void> {
    const now = BigInt(await time.latest());
    const document = await NODE_DOCUMENT.sign(owner, nodeDomain(31_337n, addresses.registry), {
      ...{ nodeId, sequence: now, expiresAt: now + 400n * 86_400n, endpoint: this.endpoint },
      ...{ meterKey: owner.address.toLowerCase(), encryptionKey: this.key.recipient, runners: [LIGHT_RUNNER] },
    });
    const text = Buffer.from(NODE_DOCUMENT.encode(document)).toString("base64");
    await contracts.registry.connect(owner).setMetadataURI(nodeId, `data:application/json;base64,${text}`);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await once(this.server.close(), "close");
    await rm(this.folder, { recursive: true });
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const [, id, what = ""] = /^\/v1\/orders\/(\d+)(\/\w+)?$/.exec(request.url ?? "") ?? [];
    if (id === undefined) return send(response, 404, { error: "not-found", message: "nothing here" });
    const order = this.orders.get(id) ?? { acknowledgements: [] };
    this.orders.set(id, order);
    if (what === "/grants") order.identity = await openGrant(GRANT.decode(body), this.key.identity);
    else if (what === "/bundle") order.bundle = body;
    else if (what === "/acknowledgements") {
      const acknowledgement = ACKNOWLEDGEMENT.decode(body);
      order.acknowledgements.push(acknowledgement);
      await this.settle(acknowledgement);
    } else if (what === "/result") return void response.writeHead(200).end(order.result?.bytes);
    else {
      await this.work(id, order);
      return this.state(response, id, order);
    }
    send(response, 200, { result: "taken" });
  }

  private state(response: ServerResponse, id: string, { bundle, result }: LightOrder): void {
    const reason = this.refuses(id);
    const state = reason !== "" ? "refused" : result === undefined ? "waiting" : "released";
    const told = { state, reason, heldSeconds: 1, images: 0, result: result?.hash };
    const cumulativeTU = bundle === undefined ? 0n : this.counts(id);
    response.writeHead(200, { "content-type": "application/json" }).end(toJson({ ...told, cumulativeTU }));
  }

  /** Makes the result once there are the bundle and the key that opens it. */
  private async work(id: string, order: LightOrder): Promise<void> {
    const { bundle, identity, result } = order;
    if (
      bundle === undefined ||
      identity === undefined ||
      result !== undefined ||
      this.refuses(id) !== "" ||
      this.isAtWork
    )
      return;
    const at = (name: string) => path.join(this.folder, `${id}-${performance.now()}-${name}`);
    const [sealed, opened, made] = [at("bundle"), at("opened"), at("result")];
    await writeFile(sealed, bundle);
    const job = await unpackBundle(sealed, identity, opened, MAX_BYTES);
    const content = Buffer.from(`${job.slots.TEXT} of order ${id}\n`);
    const { hash } = await sealResult(job, [{ path: "out/words.txt", content }], made);
    order.result = { hash, bytes: await readFile(made) };
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
