import { rm } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { escrowDomain, makeGrant, newAgeKey, NodeClient, sealBundle, type SealedBundle } from "@turingfog/network";
import { HOUR } from "@turingfog/sdk";
import { TuringFog } from "@turingfog/sdk/ethers";
import { ACKNOWLEDGEMENT, type Job, jobDomain, NODE_DOCUMENT, type NodeDocument } from "@turingfog/sdk/wire";
import { hexlify, randomBytes } from "ethers";

import { openOrder } from "../../test/helpers/market";
import { CHAIN_ID, PRICE, type World } from "./world";

/** Hours that an order lasts: longer than everything that happens to it. */
const DURATION = 12n * HOUR;

/** Milliseconds between two looks at an order, and those in which a node is tried to be reached with a bundle. */
const LOOK = 1_000;
const PATIENCE = 5_000;

/** Orders of which one is acknowledged. */
const EVERY = 2;

const MOST_BYTES = 1_048_576;

/** What is ordered of a node. */
export interface Wish {
  /** Index of the agent. */
  agent: number;
  tuAmount: bigint;
  /** Real seconds that the job runs, unless what was ordered is delivered before. */
  seconds: number;
}

/** An order that a renter watches until they have its result. */
export interface Rented {
  orderId: bigint;
  agent: number;
  nodeId: bigint;
  /** Undefined until the result was fetched, and was what the last reading names. */
  result?: string;
}

/** Rents nodes: opens orders, hands their jobs in until the nodes have them, fetches results, and acknowledges some. */
export class Renter {
  readonly rented: Rented[] = [];
  private readonly watched: Promise<void>[] = [];
  private isOver = false;

  constructor(private readonly world: World) {}

  async rent({ agent, tuAmount, seconds }: Wish): Promise<Rented> {
    const { world } = this;
    const { protocol, folder } = world;
    const [renter] = protocol.actors.renters;
    const nodeId = world.nodeIds[agent];
    const job: Job = {
      chainId: CHAIN_ID,
      escrow: protocol.addresses.escrow.toLowerCase(),
      nodeId,
      asset: protocol.addresses.tft.toLowerCase(),
      tuAmount,
      renter: renter.address.toLowerCase(),
      salt: hexlify(randomBytes(32)),
      runner: "wait",
      slots: { SECONDS: String(seconds) },
      imagesPerTU: 0n,
      holdback: 0n,
      progress: "public",
      resultTo: (await newAgeKey()).recipient,
    };
    const file = path.join(folder, `${job.salt}.age`);
    const bundle = await sealBundle(job, [], file);
    const terms = { nodeId, maxUnitPrice: PRICE, tuAmount, duration: DURATION, jobHash: bundle.hash };
    const orderId = await world.chain.alone(() => openOrder(protocol, renter, protocol.contracts.tft, terms));
    const rented: Rented = { orderId, agent, nodeId };
    this.rented.push(rented);
    this.watched.push(this.watch(rented, bundle, file));
    return rented;
  }

  /** Returns whether every result is there. */
  get isServed(): boolean {
    return this.rented.every(({ result }) => result !== undefined);
  }

  /** Resolves once nothing is watched any more. */
  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.watched);
  }

  /** Goes on until the result is there: a node that has lost its store is handed the job again. */
  private async watch(rented: Rented, bundle: SealedBundle, file: string): Promise<void> {
    const { options } = this.world.agents[rented.agent];
    const client = new NodeClient(this.world.client, options.endpoint, rented.orderId);
    for (; !this.isOver && !this.world.isClosed && rented.result === undefined; await sleep(LOOK)) {
      const state = await client.state().catch(() => undefined);
      if (state?.state === "waiting") await this.hand(rented, bundle, file, client).catch(() => undefined);
      if (state?.state !== "released") continue;
      const target = path.join(this.world.folder, `result-${rented.orderId}.age`);
      await rm(target, { force: true });
      rented.result = await client.result(target, MOST_BYTES).catch(() => undefined);
      if (rented.result === undefined || this.rented.indexOf(rented) % EVERY !== EVERY - 1) continue;
      await this.acknowledge(rented, state.cumulativeTU, client);
    }
  }

  /** Hands the node an acknowledgement, and settles it for the node, which would have to have coins for that. */
  private async acknowledge({ orderId }: Rented, cumulativeTU: bigint, to: NodeClient): Promise<void> {
    const { addresses, actors } = this.world.protocol;
    const domain = escrowDomain(CHAIN_ID, addresses.escrow);
    const acknowledgement = await ACKNOWLEDGEMENT.sign(actors.renters[0], domain, { orderId, cumulativeTU });
    await to.acknowledge(acknowledgement).catch(() => undefined);
    const fog = new TuringFog(addresses, actors.stranger);
    await this.world.chain.alone(() => fog.settleAcknowledged(addresses.tft, [acknowledgement]));
  }

  private async hand({ orderId, nodeId }: Rented, { key }: SealedBundle, file: string, to: NodeClient): Promise<void> {
    const { protocol } = this.world;
    const { encryptionKey } = await this.document(nodeId);
    const domain = jobDomain(CHAIN_ID, protocol.addresses.escrow);
    const grant = await makeGrant(protocol.actors.renters[0], domain, orderId, encryptionKey, key.identity);
    await to.send(grant, file, performance.now() + PATIENCE, () => undefined);
  }

  private async document(nodeId: bigint): Promise<NodeDocument> {
    const { options } = this.world.agents[this.world.nodeIds.indexOf(nodeId)];
    return NODE_DOCUMENT.decode(await this.world.client.get(`${options.endpoint}/v1/document`));
  }
}
