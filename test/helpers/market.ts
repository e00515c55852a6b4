import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, epochOf, HOUR, TU } from "@turingfog/sdk";
import { readSignerSet, signMessage } from "@turingfog/sdk/ethers";
import {
  encodeReceiptFile,
  type OracleMessages,
  type OracleMessageType,
  type Receipt,
  receiptDataHash,
  ReceiptTree,
  type Signature,
} from "@turingfog/sdk/wire";
import { type ContractTransactionResponse, id, MaxUint256, ZeroAddress, ZeroHash } from "ethers";

import type { TestToken, TFT } from "../../typechain-types";
import type { OpenParamsStruct } from "../../typechain-types/contracts/ComputeEscrow";
import type { Protocol } from "./fixture";

export type Asset = TFT | TestToken;

/** Signs a message under the signer set in force, by as many signers as the quorum takes; in ascending order. */
export async function signByQuorum<T extends OracleMessageType>(
  { contracts: { oracle }, actors: { oracleSigners } }: Protocol,
  type: T,
  content: Omit<OracleMessages[T], "signerSetVersion">,
): Promise<Signature[]> {
  const { domain, quorum, version } = await readSignerSet(oracle);
  const message = { ...content, signerSetVersion: version } as OracleMessages[T];
  return Promise.all(oracleSigners.slice(0, quorum).map((signer) => signMessage(signer, domain, type, message)));
}

/**
 * Has the quorum attest a node until `validUntil`, in unix seconds; for as long as possible unless given. The
 * attestation counts from a veto window later, unless it renews one.
 */
export async function submitAttestation(protocol: Protocol, nodeId: bigint, validUntil?: bigint): Promise<void> {
  const { registry } = protocol.contracts;
  const until = validUntil ?? BigInt(await time.latest()) + (await registry.MAX_ATTESTATION());
  const content = { nodeId, validUntil: until, evidence: id("benchmark log") };
  await registry.attestNode(nodeId, until, content.evidence, await signByQuorum(protocol, "NodeAttestation", content));
}

/** The same, and waits until the attestation counts. */
export async function attestNode(protocol: Protocol, nodeId: bigint, validUntil?: bigint): Promise<void> {
  await submitAttestation(protocol, nodeId, validUntil);
  const { from } = await protocol.contracts.registry.pendingAttestation(nodeId);
  if (from !== 0n) await time.increaseTo(from);
}

/** Registers a node that pays its owner, by default the fastest of the genesis models, and has it attested. */
export async function registerNode(
  protocol: Protocol,
  miner: HardhatEthersSigner,
  hardware: { gpuModel?: string; gpuCount?: bigint } = {},
): Promise<bigint> {
  const [nodeId] = await registerNodes(protocol, [miner], hardware);
  return nodeId;
}

/** The same for several nodes, whose attestations wait together. */
export async function registerNodes(
  protocol: Protocol,
  miners: readonly HardhatEthersSigner[],
  hardware: { gpuModel?: string; gpuCount?: bigint } = {},
): Promise<bigint[]> {
  const nodeIds: bigint[] = [];
  for (const miner of miners) nodeIds.push(await registerUnattested(protocol, miner, hardware));
  for (const nodeId of nodeIds) await submitAttestation(protocol, nodeId);
  await passVetoWindow(protocol);
  return nodeIds;
}

/** Registers a node and leaves it unattested. */
export async function registerUnattested(
  protocol: Protocol,
  miner: HardhatEthersSigner,
  { gpuModel = "V100", gpuCount = 1_024n }: { gpuModel?: string; gpuCount?: bigint } = {},
): Promise<bigint> {
  const registry = protocol.contracts.registry.connect(miner);
  const args = [id(gpuModel), gpuCount, miner.address, "ipfs://node"] as const;
  const nodeId = await registry.registerNode.staticCall(...args);
  await registry.registerNode(...args);
  return nodeId;
}

/** Registers and attests a node, and offers its compute without a limit at a price per whole TU. */
export async function listNode(
  protocol: Protocol,
  miner: HardhatEthersSigner,
  asset: Asset,
  unitPrice: bigint,
  hardware: { gpuModel?: string; gpuCount?: bigint } = {},
): Promise<bigint> {
  const nodeId = await registerNode(protocol, miner, hardware);
  await protocol.contracts.registry.connect(miner).setListing(nodeId, asset, unitPrice, 2n ** 128n - 1n);
  return nodeId;
}

/**
 * Approves the deposit and opens an order: a joint one of 1 TU for a day, held by its payer, unless `terms` say
 * otherwise.
 */
export async function openOrder(
  { contracts: { escrow } }: Protocol,
  payer: HardhatEthersSigner,
  asset: Asset,
  terms: Partial<OpenParamsStruct> & { maxUnitPrice: bigint },
): Promise<bigint> {
  const params = {
    nodeId: 0n,
    asset,
    tuAmount: TU,
    duration: DAY,
    renter: payer,
    refundTo: ZeroAddress,
    jobHash: id("job"),
    paymentRef: ZeroHash,
    reuse: 0n,
    ...terms,
  };
  await asset.connect(payer).approve(escrow, MaxUint256);
  const orderId = await escrow.connect(payer).openOrder.staticCall(params);
  await escrow.connect(payer).openOrder(params);
  return orderId;
}

/** Stops an order as its holder, and closes it as soon as that is possible. Its place is free then. */
export async function stopAndClose(
  { contracts: { escrow } }: Protocol,
  holder: HardhatEthersSigner,
  orderId: bigint,
): Promise<void> {
  await escrow.connect(holder).stop(orderId);
  const { from } = await escrow.refundable(orderId);
  await time.increaseTo(from);
  await escrow.close(orderId);
}

/** Has the quorum sign the root of receipts and submits it. */
export async function submitReceipts(protocol: Protocol, receipts: readonly Receipt[]): Promise<ReceiptTree> {
  const tree = await ReceiptTree.of(receipts);
  const file = encodeReceiptFile(receipts.map((receipt) => ({ ...receipt, meterLogHash: id("meter log") })));
  const content = { receiptsRoot: tree.root, dataHash: await receiptDataHash(file) };
  const signatures = await signByQuorum(protocol, "ReceiptBatch", content);
  await protocol.contracts.oracle.submit(content.receiptsRoot, content.dataHash, signatures);
  return tree;
}

/** Lets the veto window of everything submitted so far pass. */
export async function passVetoWindow({ contracts: { oracle } }: Protocol): Promise<void> {
  await time.increase(await oracle.VETO_WINDOW());
}

/** Settles receipts of one asset, all of the tree's unless given, against the tree's root. */
export async function settle(
  { contracts: { escrow } }: Protocol,
  asset: Asset,
  tree: ReceiptTree,
  receipts: readonly Receipt[] = [...tree.receipts],
): Promise<ContractTransactionResponse> {
  const { receiptsRoot, receipts: ordered, proof, proofFlags } = tree.multiproof(receipts);
  return escrow.settle(asset, receiptsRoot, ordered, proof, proofFlags);
}

/** Moves time to the first second of the next epoch, and resolves to its number. */
export async function startEpoch({ contracts: { pool } }: Protocol): Promise<bigint> {
  const length = await pool.EPOCH_LENGTH();
  const epoch = epochOf(BigInt(await time.latest()), length) + 1n;
  await time.increaseTo(epoch * length);
  return epoch;
}

/** What a miner is to earn. */
export interface Earning {
  asset: Asset;
  /** Base units of the asset. */
  amount: bigint;
  miner: HardhatEthersSigner;
  /** The first renter unless given. */
  payer?: HardhatEthersSigner;
}

/**
 * Registers a node for each earning, starts a new epoch and has miners earn exact amounts in it: opens an order for
 * each, signs and submits one root, passes the veto window and settles, asset by asset.
 *
 * @returns the round that they earned in, the same for every asset, which has not closed yet
 */
export async function earn(protocol: Protocol, earnings: readonly Earning[]): Promise<bigint> {
  const miners = earnings.map(({ miner }) => miner);
  const nodeIds = await registerNodes(protocol, miners);
  await startEpoch(protocol);

  const jobs: { asset: Asset; orderId: bigint; nodeId: bigint }[] = [];
  for (const [i, { asset, amount, payer = protocol.actors.renters[0] }] of earnings.entries()) {
    const nodeId = nodeIds[i];
    jobs.push({ asset, nodeId, orderId: await openOrder(protocol, payer, asset, { maxUnitPrice: amount }) });
  }

  await time.increase(HOUR);
  const measuredAt = BigInt(await time.latest());
  const receiptsOf = (asset?: Asset): Receipt[] =>
    jobs
      .filter((job) => asset === undefined || job.asset === asset)
      .map(({ orderId, nodeId }) => ({ orderId, nodeId, cumulativeTU: TU, measuredAt }));

  const tree = await submitReceipts(protocol, receiptsOf());
  await passVetoWindow(protocol);
  const assets = new Set(jobs.map((job) => job.asset));
  const rounds = new Set<bigint>();
  for (const asset of assets) {
    rounds.add(await protocol.contracts.pool.openRound(asset));
    await settle(protocol, asset, tree, receiptsOf(asset));
  }
  if (rounds.size !== 1) throw new Error(`The assets' open rounds differ: ${[...rounds].join(", ")}`);
  return [...rounds][0];
}
