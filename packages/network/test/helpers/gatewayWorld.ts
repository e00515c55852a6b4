import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { loadFixture, setBalance, time } from "@nomicfoundation/hardhat-network-helpers";
import { ChainClock, gatewayConfig, Health, initGateway, openGateway, readConfig } from "@turingfog/network";
import { type Contract, parseUnits } from "ethers";
import { ethers } from "hardhat";
import JSON5 from "json5";
import pino from "pino";
import { Registry } from "prom-client";

import { deployProtocolFixture, type Protocol } from "../../../../test/helpers/fixture";
import { listNode } from "../../../../test/helpers/market";
import type { TestToken } from "../../../../typechain-types";
import { deployUSDC, listToken } from "../../../sdk/test/helpers/realTokens";
import { ChainServer } from "./chainServer";
import { LightNode } from "./lightNode";
import { StripeStandIn } from "./stripeStandIn";

/** Base units of USDC for a whole TU. */
export const UNIT_PRICE = 20_000_000n;

/** What a customer asks for, of a node; "0.5" TU for a day. */
export const ASKED = { tu: "0.5", hours: "24", currency: "eur", runner: "words", slots: { TEXT: "hello" } };

/** Terms of the test's gateway. */
export const TERMS = { rate: "0.9", marginPercent: 5, refundFee: "0.5", least: "1", most: "1000" };

/** What a gateway tells of a session. */
export interface Told {
  id: string;
  state: string;
  price: string;
  checkout?: string;
  page: string;
  orderId?: string;
  due?: string;
  refunded?: string;
  reason: string;
  files: { path: string; bytes: number }[];
}

export interface GatewayFixture {
  protocol: Protocol;
  usdc: Contract;
  nodeId: bigint;
}

/** Deploys the protocol with the real USDC listed, in which one node is offered. */
export async function deployWithUSDC(): Promise<GatewayFixture> {
  const protocol = await deployProtocolFixture();
  const { actors } = protocol;
  const usdc = await deployUSDC(actors.deployer, actors.treasury.address);
  await listToken(protocol, await usdc.getAddress());
  const nodeId = await listNode(protocol, actors.miners[0], usdc as unknown as TestToken, UNIT_PRICE);
  return { protocol, usdc, nodeId };
}

/** A chain with the real USDC, a stand-in for Stripe and one for a node's agent, before which gateways can be opened. */
export class GatewayWorld {
  /** Seconds that cards' time is ahead of the system's. */
  ahead = 0n;

  private constructor(
    readonly fixture: GatewayFixture,
    readonly folder: string,
    readonly chain: ChainServer,
    readonly stripe: StripeStandIn,
    readonly node: LightNode,
    private readonly before: string | undefined,
  ) {}

  static async open(fixture: GatewayFixture): Promise<GatewayWorld> {
    const { protocol, nodeId } = fixture;
    const folder = await mkdtemp(path.join(tmpdir(), "turingfog-gateway-"));
    const book = { network: "localhost", chainId: 31_337, addresses: protocol.addresses, firstBlock: 0 };
    await mkdir(path.join(folder, "deployments"));
    await writeFile(path.join(folder, "deployments/localhost.json"), JSON.stringify(book));
    const chain = await ChainServer.open();
    const node = await LightNode.open();
    await node.publish(protocol, protocol.actors.miners[0], nodeId);
    const before = process.env.LOCALHOST_RPC_URL;
    process.env.LOCALHOST_RPC_URL = chain.url;
    const stripe = await StripeStandIn.open(() => Date.now() + Number(world.ahead) * 1_000);
    const world = new GatewayWorld(fixture, folder, chain, stripe, node, before);
    return world;
  }

  /** Makes a gateway's folder, with coins and dollars for its payer. */
  async init(name: string, changes: { chain?: object; stripe?: object; [field: string]: unknown } = {}) {
    const { usdc, protocol } = this.fixture;
    const made = await initGateway({
      ...{ folder: path.join(this.folder, name), network: "localhost", endpoint: "https://pay.example" },
      ...{ deployments: path.join(this.folder, "deployments"), asset: await usdc.getAddress(), port: 1 },
      ...{ currency: "eur", rate: TERMS.rate, spending: "1000", signers: [] },
    });
    await setBalance(made.payer, 10n ** 20n);
    await (usdc.connect(protocol.actors.treasury) as Contract).transfer(made.payer, parseUnits("1000", 6));
    const secrets = { "stripe.key": this.stripe.secrets.key, "webhook.secret": this.stripe.secrets.webhook };
    for (const [file, text] of Object.entries(secrets)) {
      await writeFile(path.join(path.dirname(made.config), file), text, { mode: 0o600 });
    }
    const config = JSON5.parse<{ chain: object; stripe: object }>(await readFile(made.config, "utf8"));
    const chain = { ...config.chain, confirmationSeconds: 0, poll: 0.1, ...changes.chain };
    const stripe = { ...config.stripe, api: this.stripe.url, poll: 30, ...changes.stripe };
    const quick = { clock: "chain", tick: 0.1, allowPrivate: true, acknowledge: "all", monitor: { port: 0 } };
    const listen = { host: "127.0.0.1", port: 0 };
    const all = { ...config, ...quick, listen, currencies: { eur: TERMS }, ...changes, chain, stripe };
    await writeFile(made.config, JSON.stringify(all), { mode: 0o600 });
    return made;
  }

  /** Opens a gateway in this process, which does something when it is told to. */
  async gateway(config: string, log = pino({ level: "silent" })) {
    const parts: Record<string, { state: string; reason?: string }> = {};
    const health = new Health((part, { state, reason }) => (parts[part] = { state, reason }));
    const context = { health, clock: new ChainClock(), log, metrics: new Registry() };
    const signal = new AbortController().signal;
    const now = () => BigInt(Math.floor(Date.now() / 1_000)) + this.ahead;
    const monotonic = () => performance.now() + Number(this.ahead) * 1_000;
    const clocks = { now, monotonic };
    const opened = await openGateway(await readConfig(config, gatewayConfig), { ...context, signal }, clocks);
    const { gateway, facts, server, sessions } = opened;
    const url = `http://127.0.0.1:${(server.server.address() as { port: number }).port}`;
    const advance = async () => {
      await facts.advance();
      await gateway.advanceCards();
      await gateway.advanceOrders(signal);
      await gateway.advanceJobs();
      await gateway.advanceCards();
      await gateway.delivered();
    };
    let isStoreOpen = true;
    const closeStore = async () => {
      if (isStoreOpen) await opened.close();
      isStoreOpen = false;
    };
    const close = async () => {
      await server.close();
      await closeStore();
    };
    return { ...new Customer(url, this).methods, url, advance, close, closeStore, parts, sessions };
  }

  /** Delivers what the stand-in has to tell: by default each event once, in its order. */
  async deliver(url: string, events = this.stripe.pending.splice(0)): Promise<number[]> {
    const statuses: number[] = [];
    for (const { body, header } of events) statuses.push(await post(`${url}/v1/stripe`, body, header));
    return statuses;
  }

  /** Takes all that an account has of the asset, as if it had been spent elsewhere. */
  async empty(account: string): Promise<void> {
    const { usdc, protocol } = this.fixture;
    const signer = await ethers.getImpersonatedSigner(account);
    await (usdc.connect(signer) as Contract).transfer(protocol.actors.treasury, await usdc.balanceOf(account));
  }

  /** Has the node's owner ask another price. */
  async price(unitPrice: bigint, overrides: object = {}): Promise<void> {
    const { nodeId, protocol, usdc } = this.fixture;
    const registry = protocol.contracts.registry.connect(protocol.actors.miners[0]);
    await registry.setListing(nodeId, usdc, unitPrice, 2n ** 100n, overrides);
  }

  /** Returns the orders that were opened. */
  async openings() {
    const { escrow } = this.fixture.protocol.contracts;
    return (await escrow.queryFilter(escrow.filters.OrderOpened())).map(({ args }) => args);
  }

  /** Moves the chain to when an order's rest can be refunded. */
  async passGrace(orderId: bigint): Promise<void> {
    const { escrow } = this.fixture.protocol.contracts;
    const { from } = await escrow.refundable(orderId);
    if (from > BigInt(await time.latest())) await time.increaseTo(from);
  }

  async close(): Promise<void> {
    await Promise.all([this.stripe.close(), this.node.close(), this.chain.close()]);
    if (this.before === undefined) delete process.env.LOCALHOST_RPC_URL;
    else process.env.LOCALHOST_RPC_URL = this.before;
    await rm(this.folder, { recursive: true });
  }
}

/** Sends a webhook as Stripe does, and resolves to the status of the answer. */
export async function post(url: string, body: string, header?: string): Promise<number> {
  const headers = { "content-type": "application/json", ...(header && { "stripe-signature": header }) };
  const response = await fetch(url, { method: "POST", body, headers });
  await response.arrayBuffer();
  return response.status;
}

/** Asks a gateway for what a customer does. */
class Customer {
  constructor(
    private readonly url: string,
    private readonly world: GatewayWorld,
  ) {}

  get methods() {
    return {
      /** Asks for a quote. */
      quote: (asked: object = {}) => this.quote(asked),
      /** Accepts a quote. */
      accept: (id: string) => this.ask<Told>("POST", `/v1/sessions/${id}/checkout`),
      /** Asks for a quote, and accepts it. @returns what is told of it, and Stripe's id of it */
      checkout: async (asked: object = {}) => {
        const { status, body: quote } = await this.quote(asked);
        if (status !== 201) throw new Error(`No quote: ${quote.error}, ${quote.message}`);
        const accepted = await this.ask<Told & { message?: string }>("POST", `/v1/sessions/${quote.id}/checkout`);
        const { body } = accepted;
        if (accepted.status !== 200) throw new Error(`No checkout: ${accepted.status} ${body.message}`);
        return { ...body, session: (body.checkout ?? "").split("/").at(-1) as string };
      },
      told: async (id: string) => (await this.ask<Told>("GET", `/v1/sessions/${id}`)).body,
      ask: <T>(method: string, path: string, body?: object) => this.ask<T>(method, path, body),
    };
  }

  private quote(asked: object) {
    const node = String(this.world.fixture.nodeId);
    return this.ask<Told & { error?: string; message?: string }>("POST", "/v1/quotes", { node, ...ASKED, ...asked });
  }

  private async ask<T>(method: string, at: string, body?: object): Promise<{ status: number; body: T }> {
    const response = await fetch(`${this.url}${at}`, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
      redirect: "manual",
    });
    return { status: response.status, body: (await response.json()) as T };
  }
}

export type OpenGateway = Awaited<ReturnType<GatewayWorld["gateway"]>>;

/** What a test of a gateway is given. */
export interface Given {
  world: GatewayWorld;
  gateway: OpenGateway;
  payer: string;
  config: string;
}

/** Opens a gateway before a world of its own, hands both over, and closes them. */
export async function withGateway(
  changes: Parameters<GatewayWorld["init"]>[1],
  act: (given: Given) => Promise<void>,
): Promise<void> {
  const world = await GatewayWorld.open(await loadFixture(deployWithUSDC));
  const { config, payer } = await world.init("gateway", changes);
  const gateway = await world.gateway(config);
  try {
    await act({ world, gateway, payer, config });
  } finally {
    await gateway.close();
    await world.close();
  }
}

/** Has a customer pay for a quote, and the gateway hear of it. */
export async function paid({ world, gateway }: Given, asked: object = {}) {
  const checkout = await gateway.checkout(asked);
  world.stripe.pay(checkout.session);
  await world.deliver(gateway.url);
  return checkout;
}

/** Has a gateway look so often at what is due. */
export async function advance({ gateway }: Given, times: number): Promise<void> {
  for (let i = 0; i < times; ++i) await gateway.advance();
}
