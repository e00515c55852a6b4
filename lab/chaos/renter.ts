import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import {
  escrowDomain,
  makeGrant,
  newAgeKey,
  NodeClient,
  sealBundle,
  type SealedBundle,
  unpackBundle,
} from "@turingfog/network";
import { HOUR } from "@turingfog/sdk";
import { type OrderRequest, TuringFog } from "@turingfog/sdk/ethers";
import { ACKNOWLEDGEMENT, type Job, jobDomain, NODE_DOCUMENT, type NodeDocument } from "@turingfog/sdk/wire";
import { hexlify, MaxUint256, randomBytes } from "ethers";

import { PRICES } from "./genesis";
import { CHAIN_ID, type World } from "./world";

/** Hours that an order lasts: longer than everything that happens to it. */
const DURATION = 12n * HOUR;

/** Milliseconds between two looks at an order, and those in which a node is tried to be reached with a bundle. */
const LOOK = 1_000;
const PATIENCE = 5_000;

/** Orders of which one is acknowledged. */
const EVERY = 2;

const MOST_BYTES = 1_048_576;

/** What orders are paid in, by turns: TFT by an allowance, and either stablecoin by a permit. */
const ASSETS = ["tft", "usd", "dai"] as const;

/** What jobs are about: files of this project. */
const TEXTS = ["mechanism.md", "training.md", "decisions.md", "sdk.md"].map((name) =>
  path.join(__dirname, "../../docs", name),
);

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
  asset: (typeof ASSETS)[number];
  /** Undefined until the result was fetched, and was what the last reading names. */
  result?: string;
  /** Whether the result has what the job should have made; undefined if it was ended before it had made anything. */
  isRight?: boolean;
  isAcknowledged: boolean;
}

/** What a renter keeps to themselves of an order. */
interface Secrets {
  file: string;
  bundle: SealedBundle;
  /** Opens the result. */
  identity: string;
  text: string;
}

/** Rents nodes: opens orders, hands their jobs in until the nodes have them, fetches results, and acknowledges some. */
export class Renter {
  readonly rented: Rented[] = [];
  private readonly watched: Promise<void>[] = [];
  private turns = 0;
  private isOver = false;

  constructor(private readonly world: World) {}

  async rent({ agent, tuAmount, seconds }: Wish): Promise<Rented> {
    const { world } = this;
    const { protocol, folder } = world;
    const [renter] = protocol.actors.renters;
    const { nodeId } = world.nodes[agent];
    const turn = this.turns++;
    const asset = ASSETS[turn % ASSETS.length];
    const text = TEXTS[turn % TEXTS.length];
    const { identity, recipient } = await newAgeKey();
    const job: Job = {
      chainId: CHAIN_ID,
      escrow: protocol.addresses.escrow.toLowerCase(),
      nodeId,
      asset: (await protocol.contracts[asset].getAddress()).toLowerCase(),
      tuAmount,
      renter: renter.address.toLowerCase(),
      salt: hexlify(randomBytes(32)),
      runner: "words",
      slots: { SECONDS: String(seconds) },
      imagesPerTU: 0n,
      holdback: 0n,
      progress: "public",
      resultTo: recipient,
    };
    const file = path.join(folder, `${job.salt}.age`);
    const bundle = await sealBundle(job, [{ path: path.basename(text), content: await readFile(text) }], file);
    const maxUnitPrice = PRICES[asset];
    const terms = { nodeId, asset: job.asset, maxUnitPrice, tuAmount, duration: DURATION, jobHash: bundle.hash };
    const orderId = await this.open(asset, terms);
    const rented: Rented = { orderId, agent, nodeId, asset, isAcknowledged: false };
    this.rented.push(rented);
    this.watched.push(this.watch(rented, { file, bundle, identity, text }));
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

  private open(asset: Rented["asset"], terms: OrderRequest): Promise<bigint> {
    const { chain, protocol } = this.world;
    const { contracts, actors, addresses } = protocol;
    const [renter] = actors.renters;
    const fog = new TuringFog(addresses, renter);
    return chain.alone(async () => {
      if (asset !== "tft") return (await fog.openOrderWithPermit(terms)).orderId;
      await contracts.tft.connect(renter).approve(addresses.escrow, MaxUint256);
      return (await fog.openOrder(terms)).orderId;
    });
  }

  /** Goes on until the result is there: a node that has lost its store is handed the job again. */
  private async watch(rented: Rented, secrets: Secrets): Promise<void> {
    const { options } = this.world.agents[rented.agent];
    const client = new NodeClient(this.world.client, options.endpoint, rented.orderId);
    for (; !this.isOver && !this.world.isClosed && rented.result === undefined; await sleep(LOOK)) {
      const state = await client.state().catch(() => undefined);
      if (state?.state === "waiting") await this.hand(rented, secrets, client).catch(() => undefined);
      if (state?.state !== "released") continue;
      const target = path.join(this.world.folder, `result-${rented.orderId}.age`);
      await rm(target, { force: true });
      rented.result = await client.result(target, MOST_BYTES).catch(() => undefined);
      if (rented.result === undefined) continue;
      rented.isRight = await isRight(target, secrets);
      if (this.rented.indexOf(rented) % EVERY === EVERY - 1) await this.acknowledge(rented, state.cumulativeTU, client);
    }
  }

  /** Hands the node an acknowledgement, and settles it for the node, which would have to have coins for that. */
  private async acknowledge(rented: Rented, cumulativeTU: bigint, to: NodeClient): Promise<void> {
    const { addresses, actors, contracts } = this.world.protocol;
    const { orderId, asset } = rented;
    const domain = escrowDomain(CHAIN_ID, addresses.escrow);
    const acknowledgement = await ACKNOWLEDGEMENT.sign(actors.renters[0], domain, { orderId, cumulativeTU });
    await to.acknowledge(acknowledgement).catch(() => undefined);
    const fog = new TuringFog(addresses, actors.stranger);
    const address = await contracts[asset].getAddress();
    await this.world.chain.alone(() => fog.settleAcknowledged(address, [acknowledgement]));
    rented.isAcknowledged = true;
  }

  private async hand({ orderId, nodeId }: Rented, { bundle: { key }, file }: Secrets, to: NodeClient): Promise<void> {
    const { protocol } = this.world;
    const { encryptionKey } = await this.document(nodeId);
    const domain = jobDomain(CHAIN_ID, protocol.addresses.escrow);
    const grant = await makeGrant(protocol.actors.renters[0], domain, orderId, encryptionKey, key.identity);
    await to.send(grant, file, performance.now() + PATIENCE, () => undefined);
  }

  private async document(nodeId: bigint): Promise<NodeDocument> {
    const { options } = this.world.agents[this.world.nodes.findIndex((node) => node.nodeId === nodeId)];
    return NODE_DOCUMENT.decode(await this.world.client.get(`${options.endpoint}/v1/document`));
  }
}

/** Decrypts a result and looks whether the words of the text are counted in it. */
async function isRight(file: string, { identity, text }: Secrets): Promise<boolean | undefined> {
  const folder = `${file}.unpacked`;
  await unpackBundle(file, identity, folder, MOST_BYTES);
  const counted = await readFile(path.join(folder, "output/words.json"), "utf8").catch(() => undefined);
  if (counted === undefined) return undefined;
  const words = (await readFile(text, "utf8")).split(/\s+/).length;
  return (JSON.parse(counted) as Record<string, number>)[path.basename(text)] === words;
}
