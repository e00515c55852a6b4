import { setTimeout as sleep } from "node:timers/promises";

import { time } from "@nomicfoundation/hardhat-network-helpers";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { Product } from "@turingfog/network";
import {
  CHALLENGE_ANSWER,
  CHALLENGE_PROOF,
  CHALLENGE_ROWS,
  CHALLENGES,
  EVIDENCE,
  HEARTBEAT,
  HEARTBEAT_HEADER,
  MessageHasher,
  meterDomain,
  NODE_DOCUMENT,
  nodeDomain,
  READING,
  type Reading,
  READING_ANSWERS,
  READINGS,
  type Signed,
} from "@turingfog/sdk/wire";
import { hexlify, id, sha256, toUtf8Bytes, Wallet, ZeroHash } from "ethers";

import type { Protocol } from "../../../../test/helpers/fixture";
import { listNode, openOrder } from "../../../../test/helpers/market";
import { until } from "./signerProcesses";

const PRICE = 1_000_000n;
const TU = 10n ** 18n;

interface Peer {
  endpoint: string;
  address: string;
  isUp: boolean;
}

/** A node of 1 TU a day, which says what a test tells it, and answers challenges. */
export class MeteredNode {
  readonly readings: Signed<Reading>[] = [];
  private readonly challenged = new Set<string>();
  private isOver = false;
  private answering?: Promise<void>;

  private constructor(
    private readonly protocol: Protocol,
    readonly nodeId: bigint,
    readonly orderId: bigint,
    readonly startedAt: bigint,
    private readonly meter: Wallet,
    private readonly hasher: MessageHasher<Reading>,
  ) {}

  /** Registers a node, and opens an order of 10 days with it. */
  static async start(protocol: Protocol, miner: HardhatEthersSigner): Promise<MeteredNode> {
    const { contracts, addresses, actors } = protocol;
    const nodeId = await listNode(protocol, miner, contracts.usd, PRICE, { gpuModel: "GTX 1080 Ti", gpuCount: 1n });
    const meter = new Wallet(id(`meter ${nodeId}`));
    const document = await NODE_DOCUMENT.sign(miner, nodeDomain(31_337n, addresses.registry), {
      nodeId,
      sequence: 1n,
      expiresAt: BigInt(await time.latest()) + 100n * 86_400n,
      endpoint: "http://127.0.0.1:1",
      meterKey: meter.address.toLowerCase(),
      encryptionKey: `age1${"q".repeat(58)}`,
      runners: [{ kind: "process", name: "any", slots: {} }],
    });
    const uri = `data:application/json;base64,${Buffer.from(NODE_DOCUMENT.encode(document)).toString("base64")}`;
    await contracts.registry.connect(miner).setMetadataURI(nodeId, uri);
    const terms = { nodeId, maxUnitPrice: PRICE, tuAmount: 10n * TU, duration: 864_000n, jobHash: ZeroHash };
    const orderId = await openOrder(protocol, actors.renters[0], contracts.usd, terms);
    const { startedAt } = await contracts.escrow.order(orderId);
    const hasher = await MessageHasher.of(READING, meterDomain(31_337n, addresses.escrow));
    return new MeteredNode(protocol, nodeId, orderId, startedAt, meter, hasher);
  }

  /** Adds a reading of all that the node can do until a time. */
  async measure(measuredAt: bigint): Promise<void> {
    const last = this.readings.at(-1);
    const reading: Reading = {
      orderId: this.orderId,
      nodeId: this.nodeId,
      sequence: (last?.sequence ?? 0n) + 1n,
      cumulativeTU: ((measuredAt - this.startedAt) * TU) / 86_400n,
      measuredAt,
      evidence: sha256(toUtf8Bytes(EVIDENCE.encode({ counted: "seconds", amount: measuredAt, result: ZeroHash }))),
      previous: last === undefined ? ZeroHash : hexlify(this.hasher.digest(last)),
    };
    this.readings.push(await READING.sign(this.meter, this.domain, reading));
  }

  /** Posts all readings to a signer, until it has them. */
  async post({ endpoint }: Peer): Promise<void> {
    await until("The taking of readings", async () => {
      const body = READINGS.encode({ readings: this.readings });
      const answer = await fetch(`${endpoint}/v1/readings`, { method: "POST", body }).catch(() => undefined);
      if (answer?.status !== 200) return undefined;
      const { answers } = READING_ANSWERS.decode(await answer.text());
      return answers.every(({ result }) => result === "accepted" || result === "known") ? true : undefined;
    });
  }

  /** Answers the challenges of signers again and again. */
  answer(peers: readonly Peer[]): void {
    this.answering = (async () => {
      while (!this.isOver) {
        for (const peer of peers) if (peer.isUp) await this.answerOne(peer).catch(() => undefined);
        await sleep(50);
      }
    })();
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.answering;
  }

  private get domain() {
    return meterDomain(31_337n, this.protocol.addresses.escrow);
  }

  private async answerOne({ endpoint, address }: Peer): Promise<void> {
    const { domain, meter, nodeId } = this;
    const sentAt = BigInt(await time.latest());
    const heartbeat = await HEARTBEAT.sign(meter, domain, { nodeId, receiver: address, sentAt });
    const url = `${endpoint}/v1/challenges`;
    const given = await fetch(`${url}?node=${nodeId}`, {
      headers: { [HEARTBEAT_HEADER]: HEARTBEAT.encode(heartbeat) },
    });
    for (const { id: challenge, seed, size } of CHALLENGES.decode(await given.text()).challenges) {
      if (this.challenged.has(challenge)) continue;
      const product = Product.of({ seed, size });
      const body = CHALLENGE_ANSWER.encode(
        await CHALLENGE_ANSWER.sign(meter, domain, { challenge, root: product.root }),
      );
      const asked = await fetch(`${url}/${challenge}`, { method: "POST", body });
      const { rows } = CHALLENGE_ROWS.decode(await asked.text());
      const proof = CHALLENGE_PROOF.encode({ challenge, paths: product.paths(rows) });
      await fetch(`${url}/${challenge}/rows`, { method: "POST", body: proof });
      this.challenged.add(challenge);
    }
  }
}
