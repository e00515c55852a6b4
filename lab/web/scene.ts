import path from "node:path";

import { type DeploymentParameters, readParameters } from "@turingfog/operator";
import { DAY, gpuModelOf, HOUR, MINUTE } from "@turingfog/sdk";
import {
  collectQuorum,
  encodeAction,
  newOperation,
  readOrders,
  readSignerSet,
  scheduleCall,
  signMessage,
  TuringFog,
} from "@turingfog/sdk/ethers";
import {
  decodeReceiptFile,
  encodeReceiptFile,
  type MeteredReceipt,
  type OracleMessages,
  type OracleMessageType,
  receiptDataHash,
  ReceiptTree,
} from "@turingfog/sdk/wire";
import { id, type JsonRpcProvider, toBeHex } from "ethers";

import type { LocalBook } from "../life/live";

const PARAMETERS = path.join(__dirname, "../../deploy/parameters/local.json5");

/** Seconds after midnight at which the scene plays: yesterday's rounds are closed, and their lots are for sale. */
const HOUR_OF_SCENE = 3n * HOUR;

/** The part of a lot that is bought, in percent. */
const BOUGHT = 40n;

/** What the governor has scheduled for the share of operations, in basis points. */
const NEW_SHARE = 1_200n;

/** Files of receipts by their SHA-256. */
export type ReceiptFiles = Map<string, Uint8Array>;

/**
 * Leaves open what the demo's life has always finished by the end of a day: a lot that is half sold, a root in its veto
 * window and one that was vetoed, a node without an attestation and one whose attestation does not count yet, an action
 * in the timelock. Returns the files of the roots.
 */
export async function setScene(provider: JsonRpcProvider, book: LocalBook): Promise<ReceiptFiles> {
  const scene = new Scene(provider, book, readParameters(PARAMETERS));
  await scene.wakeUp();
  await scene.sellPartOfLots();
  const files = new Map([await scene.submitRoot(MINUTE), await scene.submitRoot(2n * MINUTE, true)]);
  await scene.welcomeNodes();
  await scene.scheduleShare();
  return files;
}

/** Submits a root of what was measured before, and adds its file to the others. Returns the root's receipts. */
export async function submitRoot(provider: JsonRpcProvider, book: LocalBook, files: ReceiptFiles, ago: bigint) {
  const [dataHash, file] = await new Scene(provider, book, readParameters(PARAMETERS)).submitRoot(ago);
  files.set(dataHash, file);
  return decodeReceiptFile(file);
}

class Scene {
  private readonly fog: TuringFog;

  constructor(
    private readonly provider: JsonRpcProvider,
    private readonly book: LocalBook,
    private readonly params: DeploymentParameters,
  ) {
    this.fog = new TuringFog(book.addresses, provider);
  }

  async wakeUp(): Promise<void> {
    const now = await this.now();
    await this.provider.send("evm_setNextBlockTimestamp", [Number((now / DAY + 1n) * DAY + HOUR_OF_SCENE)]);
    await this.provider.send("evm_mine", []);
  }

  /** The treasury buys a part of each lot with TFT of its own. */
  async sellPartOfLots(): Promise<void> {
    const [treasury] = this.params.allocations.flatMap((each) => ("holder" in each ? [each.holder] : []));
    const signer = await this.provider.getSigner(treasury);
    const { controller, tft, escrow } = this.fog.contracts;
    const listed = await this.fog.contracts.escrow.queryFilter(escrow.filters.AssetListed);
    for (const { asset } of listed.map(({ args }) => args)) {
      if (asset === (await tft.getAddress())) continue;
      const { round, amount } = await controller.lot(asset);
      await (await tft.connect(signer).approve(controller, 2n ** 255n)).wait();
      const bought = (amount * BOUGHT) / 100n;
      await (await controller.connect(signer).buy(asset, round, bought, 2n ** 255n, treasury, "0x")).wait();
    }
  }

  /**
   * Submits a root of a minute's work on each open order of one node.
   * @param ago seconds since the work was measured, so that two roots differ
   */
  async submitRoot(ago: bigint, isVetoed = false): Promise<[string, Uint8Array]> {
    const { oracle } = this.fog.contracts;
    const receipts = await this.receiptsOf(ago);
    const file = encodeReceiptFile(receipts);
    const { root: receiptsRoot } = await ReceiptTree.of(receipts);
    const dataHash = await receiptDataHash(file);
    const signatures = await this.signed("ReceiptBatch", { receiptsRoot, dataHash });
    const keeper = await this.provider.getSigner(this.params.operations.treasury);
    await (await oracle.connect(keeper).submit(receiptsRoot, dataHash, signatures)).wait();
    if (isVetoed) {
      const guardian = await this.provider.getSigner(this.params.guardian);
      await (await oracle.connect(guardian).veto(receiptsRoot)).wait();
    }
    return [dataHash, file];
  }

  /** Registers a node that nobody has attested, and one whose attestation will count. */
  async welcomeNodes(): Promise<void> {
    const { registry } = this.fog.contracts;
    const owner = await this.provider.getSigner(this.params.operations.treasury);
    const own = registry.connect(owner);
    const ids: bigint[] = [];
    for (const gpuCount of [2n, 4n]) {
      const args = [gpuModelOf("RTX 2080 Ti"), gpuCount, owner.address, "ipfs://newcomer"] as const;
      ids.push(await own.registerNode.staticCall(...args));
      await (await own.registerNode(...args)).wait();
    }
    const [, nodeId] = ids;
    const validUntil = (await this.now()) + 30n * DAY;
    const evidence = id(`benchmark log of node ${nodeId}`);
    const signatures = await this.signed("NodeAttestation", { nodeId, validUntil, evidence });
    await (await own.attestNode(nodeId, validUntil, evidence, signatures)).wait();
  }

  async scheduleShare(): Promise<void> {
    const { contracts } = this.fog;
    const proposer = await this.provider.getSigner(this.params.governor.proposers[0]);
    const action = { kind: "set-operations" as const, treasury: this.params.operations.treasury, share: NEW_SHARE };
    const operation = await newOperation(contracts.timelock, await encodeAction(contracts, action));
    const { to, data } = await scheduleCall(contracts.timelock, operation);
    await (await proposer.sendTransaction({ to, data })).wait();
  }

  private async receiptsOf(ago: bigint): Promise<MeteredReceipt[]> {
    const { contracts } = this.fog;
    const orders = await readOrders(contracts, { provider: this.provider, since: this.book.firstBlock });
    const measuredAt = (await this.now()) - ago;
    const running = orders.filter(({ refund, nodeId }) => refund === undefined && nodeId !== 0n);
    return running.map(({ orderId, nodeId, deliveries }) => {
      const cumulativeTU = (deliveries.at(0)?.tu ?? 0n) + 10n ** 15n;
      return { orderId, nodeId, cumulativeTU, measuredAt, meterLogHash: toBeHex(orderId, 32) };
    });
  }

  private async signed<T extends OracleMessageType>(type: T, message: Omit<OracleMessages[T], "signerSetVersion">) {
    const signerSet = await readSignerSet(this.fog.contracts.oracle);
    const full = { ...message, signerSetVersion: signerSet.version } as OracleMessages[T];
    const signatures = await Promise.all(
      this.params.signers.map(async (address) => {
        return signMessage(await this.provider.getSigner(address), signerSet.domain, type, full);
      }),
    );
    return collectQuorum(signerSet, type, full, signatures);
  }

  private async now(): Promise<bigint> {
    return BigInt((await this.provider.getBlock("latest"))?.timestamp ?? 0);
  }
}
