import { existsSync } from "node:fs";

import { latestBlock } from "@turingfog/operator";
import { type Addresses, connectContracts, type SystemContracts } from "@turingfog/sdk/ethers";
import { ACKNOWLEDGEMENT, jobDomain, oracleDomain } from "@turingfog/sdk/wire";
import type { Provider, Wallet } from "ethers";
import type { Logger } from "pino";

import type { ChainFacts, OrderFacts } from "../chain/index.js";
import type { HttpClient } from "../http/index.js";
import { makeGrant } from "../job/index.js";
import { escrowDomain } from "../job/domains.js";
import { acknowledgedTU, grantSigners, NodeClient, SignerClient, takeResult, type ToldState } from "../order/index.js";
import { fromBlob, toBlob } from "../store/index.js";
import type { GatewayConfig } from "./config.js";
import type { Jobs } from "./jobs.js";
import type { Quoting, Reached } from "./quoting.js";
import { FormerPayerError, isFormer, payerOf, type Sessions } from "./sessions.js";
import type { SessionRow } from "./tables.js";

export interface DeliveringOptions {
  config: GatewayConfig;
  book: Addresses;
  facts: ChainFacts;
  connect: () => Promise<Provider>;
  client: HttpClient;
  key: Wallet;
  sessions: Sessions;
  quoting: Quoting;
  jobs: Jobs;
  log: Logger;
}

const MIB = 1_048_576;

/** Seconds between two notes of what a node has worked. */
const SIGHTING = 60n;

/** Brings jobs to their nodes, and results to the gateway, from where customers fetch them. */
export class Delivering {
  constructor(private readonly options: DeliveringOptions) {}

  /** Goes one step further with an order that is open, in a final block. */
  async advance(row: SessionRow): Promise<void> {
    const { facts } = this.options;
    const order = facts.order(fromBlob(row.order_id as Uint8Array));
    // what is disputed gets no further work
    if (order === undefined || order.closed || row.dispute === "open" || row.dispute === "lost") return;
    if (row.handed_at === null) return this.handOver(row, order);
    return this.follow(row, order);
  }

  /** Gives the nodes the job's key and the job; for the built-in trainer the signers too, which audit it. */
  private async handOver(row: SessionRow, { orderId }: OrderFacts): Promise<void> {
    const { book, client, config, key, jobs, quoting, sessions, log } = this.options;
    if (isFormer(row, key.address)) throw new FormerPayerError(payerOf(row, key.address), "The job is not handed over");
    const rental = jobs.rentalOf(row);
    const identity = await rental.jobIdentity();
    const domain = jobDomain(BigInt(book.chainId), book.addresses.escrow);
    const grantTo = (recipient: string) => makeGrant(key, domain, orderId, recipient, identity);
    const reached = await quoting.reach(row);
    for (const { endpoint, recipient } of reached) {
      const node = new NodeClient(client, endpoint, orderId);
      // tried again at the next look
      await node.send(await grantTo(recipient), rental.bundle, performance.now(), () => undefined);
    }
    if (reached.some(({ kind }) => kind === "training")) {
      const { oracle } = await this.contracts();
      await grantSigners({
        ...{ client, orderId, grantTo, endpoints: config.signers, note: (line) => log.warn(line) },
        signers: (await oracle.signers()).map((each) => each.toLowerCase()),
        quorum: Number(await oracle.quorum()),
        domain: oracleDomain(BigInt(book.chainId), book.addresses.oracle),
        now: await this.time(),
      });
    }
    await sessions.change("hand-over", row, { handed_at: await this.time(), reached: JSON.stringify(reached) });
    log.info({ session: row.session, orderId: String(orderId) }, "job handed over");
  }

  /** Sees what the node has worked, and takes the result once it is there. */
  private async follow(row: SessionRow, order: OrderFacts): Promise<void> {
    const { client, config, jobs, key, sessions, log } = this.options;
    const rental = jobs.rentalOf(row);
    const { orderId, nodeId } = order;
    const nodes = (JSON.parse(row.reached as string) as Reached[]).map(
      ({ endpoint }) => new NodeClient(client, endpoint, orderId),
    );
    const told = await Promise.all(nodes.map((node) => node.state()));
    const states = told.map(({ state }) => state);
    if (nodeId !== 0n) await this.see(row, told[0]);
    const refused = told.find(({ state }) => state === "refused");
    if (refused !== undefined && states.every((state) => state === "refused")) {
      const reason = `the node refuses the job: ${refused.reason}`;
      if (row.reason !== reason) await sessions.change("stop", row, { reason });
      return;
    }
    const at = states.indexOf("released");
    if (at < 0) return;
    const to = jobs.resultOf(row);
    if (!existsSync(to)) {
      const signers = nodeId === 0n ? [] : this.signersOf(orderId, nodeId);
      const sources = { orderId, node: nodes[at], signers, note: (line: string) => log.warn(line) };
      await takeResult(rental, sources, to, config.resultMiB * MIB);
    }
    const isSigned = nodeId !== 0n && !isFormer(row, key.address);
    const acknowledged = !isSigned ? row : await this.acknowledge(row, order, nodes[at]);
    await sessions.change("delivery", acknowledged, { state: "delivered", delivered_at: await this.time() });
    log.info({ session: row.session, orderId: String(orderId) }, "result taken");
  }

  /** Signs what was delivered, by the policy, and gives it to the node, which is paid by it at once. */
  private async acknowledge(row: SessionRow, order: OrderFacts, node: NodeClient): Promise<SessionRow> {
    const { book, config, facts, jobs, key, sessions } = this.options;
    const rental = jobs.rentalOf(row);
    const cumulativeTU = acknowledgedTU({
      policy: config.acknowledge,
      seen: await rental.seen(),
      hasResult: rental.hasResult,
      ratePerDay: facts.node(order.nodeId)?.ratePerDay ?? 0n,
      order,
    });
    if (cumulativeTU === 0n) return row;
    const { orderId } = order;
    // written down before it is given away: what was signed is paid
    const noted = await sessions.change("acknowledgement", row, { acknowledged_tu: toBlob(cumulativeTU) });
    const domain = escrowDomain(BigInt(book.chainId), book.addresses.escrow);
    await node.acknowledge(await ACKNOWLEDGEMENT.sign(key, domain, { orderId, cumulativeTU }));
    return noted;
  }

  /** Notes what a node has worked, now and then. */
  private async see(row: SessionRow, { state, cumulativeTU }: ToldState): Promise<void> {
    const rental = this.options.jobs.rentalOf(row);
    const at = await this.time();
    const last = (await rental.seen()).at(-1);
    const isLast = state === "released" && last?.cumulativeTU !== cumulativeTU;
    if (last === undefined || isLast || at - last.at >= SIGHTING) await rental.see({ at, cumulativeTU });
  }

  private signersOf(orderId: bigint, nodeId: bigint): SignerClient[] {
    const { client, config } = this.options;
    return config.signers.map((each) => new SignerClient(client, each.replace(/\/$/, ""), { orderId, nodeId }));
  }

  private async contracts(): Promise<SystemContracts> {
    return connectContracts(this.options.book.addresses, await this.options.connect());
  }

  /** The latest block's time, in unix seconds. */
  private async time(): Promise<bigint> {
    return BigInt((await latestBlock(await this.options.connect())).timestamp);
  }
}
