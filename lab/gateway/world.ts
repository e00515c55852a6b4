import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { setBalance, time } from "@nomicfoundation/hardhat-network-helpers";
import type { Random } from "@turingfog/economy";
import { initGateway } from "@turingfog/network";
import { readParameters } from "@turingfog/operator";
import { HOUR, MINUTE } from "@turingfog/sdk";
import { type Contract, parseUnits } from "ethers";
import JSON5 from "json5";

import { LightNode } from "../../packages/network/test/helpers/lightNode";
import { StripeStandIn, type StripeFault } from "../../packages/network/test/helpers/stripeStandIn";
import { freePorts } from "../../packages/network/test/helpers/signers";
import { deployUSDC, listToken } from "../../packages/sdk/test/helpers/realTokens";
import { deployProtocolFixture, type Protocol } from "../../test/helpers/fixture";
import { listNode } from "../../test/helpers/market";
import type { TestToken } from "../../typechain-types";
import { Chain } from "../chaos/chain";
import { Member } from "../chaos/member";
import type { CardTerms } from "./books";

const LOCAL_PARAMETERS = path.join(__dirname, "../../deploy/parameters/local.json5");

/** Base units of USDC for a whole TU. */
export const UNIT_PRICE = 20_000_000n;

/** What cards are charged for a base unit of USDC, and what is kept of a rest: the terms below, worked out by hand. */
export const TERMS: Readonly<Record<string, CardTerms>> = {
  eur: { price: [945n, 10_000_000n], step: 1n, fee: 50n },
  jpy: { price: [1_575n, 10_000_000n], step: 1n, fee: 80n },
  kwd: { price: [315n, 1_000_000n], step: 10n, fee: 150n },
};

/** Seconds of the chain after which an order can be closed, and a block is final. */
export const GRACE = 2n * HOUR;
const CONFIRMATION = 30;

/** Of so many calls to Stripe one fails. */
const FAILING = 5;
const FAULTS: StripeFault[] = ["refuse", "break", "lose", "limit"];
const DENIED: StripeFault = "deny";

/** What a gateway is told beside its own: quick looks. */
const SETTINGS = {
  ...{ tick: 0.2, allowPrivate: true, acknowledge: "all", dailySpending: "900000", dailyGas: "100" },
  // the chain's time leaps for hours, in which a gateway that is killed opens nothing
  openWithin: 604_800,
  currencies: {
    eur: { rate: "0.9", marginPercent: 5, refundFee: "0.5", least: "1", most: "1000" },
    jpy: { rate: "150", marginPercent: 5, refundFee: "80", least: "100", most: "100000" },
    kwd: { rate: "0.3", marginPercent: 5, refundFee: "0.15", least: "1", most: "1000" },
  },
};

/** A chain with the real USDC, stand-ins for Stripe and a node's agent, and the gateway in a process of its own. */
export class CardWorld {
  private now = 0;
  /** Whether calls to Stripe fail. */
  isFailing = true;
  private opened: { chain?: Chain; gateway?: Member } = {};

  private constructor(
    readonly folder: string,
    readonly protocol: Protocol,
    readonly usdc: Contract,
    readonly nodeId: bigint,
    readonly node: LightNode,
    readonly stripe: StripeStandIn,
    readonly payer: string,
    readonly url: string,
    readonly allowance: "permit" | "approve",
  ) {}

  static async open(random: Random): Promise<CardWorld> {
    const { governor } = readParameters(LOCAL_PARAMETERS);
    const short = { governor: { ...governor, minDelay: HOUR }, vetoWindow: 10n * MINUTE, grace: GRACE };
    const protocol = await deployProtocolFixture(short);
    const { actors, addresses } = protocol;
    const usdc = await deployUSDC(actors.deployer, actors.treasury.address);
    const asset = await usdc.getAddress();
    await listToken(protocol, asset);
    const nodeId = await listNode(protocol, actors.miners[0], usdc as unknown as TestToken, UNIT_PRICE);
    const node = await LightNode.open();
    await node.publish(protocol, actors.miners[0], nodeId);
    const folder = await mkdtemp(path.join(tmpdir(), "turingfog-cards-"));
    const deployments = path.join(folder, "deployments");
    await mkdir(deployments);
    const book = { network: "localhost", chainId: 31_337, addresses, firstBlock: 0 };
    await writeFile(path.join(deployments, "localhost.json"), JSON.stringify(book));

    const stripe = await StripeStandIn.open(() => world.now);
    const [port] = await freePorts(1);
    const url = `http://127.0.0.1:${port}`;
    const terms = { currency: "eur", rate: "0.9", spending: "1", signers: [], port };
    const made = await initGateway({
      ...{ folder: path.join(folder, "gateway"), network: "localhost", deployments, endpoint: url, asset, ...terms },
    });
    await setBalance(made.payer, 10n ** 21n);
    await (usdc.connect(actors.treasury) as Contract).transfer(made.payer, parseUnits("900000", 6));
    const allowance = random.below(2) === 0 ? "permit" : "approve";
    const world = new CardWorld(folder, protocol, usdc, nodeId, node, stripe, made.payer, url, allowance);
    world.now = (await time.latest()) * 1_000;
    await world.configure(made.config, port);
    node.settle = (each) => world.chain.alone(() => protocol.contracts.escrow.settleAcknowledged(asset, [each]));
    stripe.fault = (call) => {
      if (!world.isFailing || random.below(FAILING) !== 0) return undefined;
      return random.shuffle(call === "POST /v1/refunds" ? [...FAULTS, DENIED] : FAULTS)[0];
    };
    world.opened.chain = await Chain.open((seconds) => world.tell(seconds));
    world.start(made.config);
    return world;
  }

  get chain(): Chain {
    return this.opened.chain as Chain;
  }

  get gateway(): Member {
    return this.opened.gateway as Member;
  }

  /** Has the node's owner ask a price. */
  async price(unitPrice: bigint): Promise<void> {
    const registry = this.protocol.contracts.registry.connect(this.protocol.actors.miners[0]);
    await this.chain.alone(() => registry.setListing(this.nodeId, this.usdc, unitPrice, 2n ** 100n));
  }

  async close(logs?: string): Promise<void> {
    await this.gateway.kill();
    if (logs !== undefined) {
      await mkdir(logs, { recursive: true });
      await this.gateway.keepLog(logs);
    }
    await Promise.all([this.chain.close(), this.stripe.close(), this.node.close()]);
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  private async configure(file: string, port: number): Promise<void> {
    const folder = path.dirname(file);
    await writeFile(path.join(folder, "stripe.key"), this.stripe.secrets.key, { mode: 0o600 });
    await writeFile(path.join(folder, "webhook.secret"), this.stripe.secrets.webhook, { mode: 0o600 });
    const config = JSON5.parse<{ chain: object; stripe: object }>(await readFile(file, "utf8"));
    const chain = { ...config.chain, confirmationSeconds: CONFIRMATION, poll: 0.3 };
    const stripe = { ...config.stripe, api: this.stripe.url, poll: 3 };
    const places = { allowance: this.allowance, listen: { host: "127.0.0.1", port }, monitor: { port: 0 } };
    await writeFile(file, JSON.stringify({ ...config, ...SETTINGS, ...places, chain, stripe }), { mode: 0o600 });
  }

  private start(config: string): void {
    const onLine = () => undefined;
    const now = () => this.now;
    const options = { name: "gateway", role: "gateway" as const, config, endpoint: this.url, address: this.payer };
    this.opened.gateway = new Member({ ...options, rpcUrl: this.chain.urlOf("gateway"), now, onLine });
    this.gateway.start();
  }

  private tell(seconds: number): void {
    this.now = seconds * 1_000;
    this.opened.gateway?.tell({ now: this.now });
  }
}
