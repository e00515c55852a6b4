import {
  type ContractRunner,
  type ContractTransaction,
  type ContractTransactionReceipt,
  getAddress,
  type Signer,
  type TransactionReceipt,
  type TypedDataDomain,
  ZeroAddress,
  ZeroHash,
} from "ethers";

import type { OpenParamsStruct } from "../bindings/ComputeEscrow.js";
import { TFT__factory } from "../bindings/index.js";
import { TuringFogError } from "../errors.js";
import { decodeBucketId, decodeOrderId, LAST_GENERATION } from "../ids.js";
import type { Receipt, ReceiptTree } from "../receipts/index.js";
import { depositOf } from "../settlement.js";
import { HOUR } from "../units.js";
import type { Acknowledgement } from "../wire/acknowledgement.js";
import { connectContracts, type DeploymentAddresses, type SystemAddresses, type SystemContracts } from "./contracts.js";
import { readEarnedBuckets } from "./earnings.js";
import { IncompleteLogsError, type LogRange, type OnProgress, readEvents, timelockWitness } from "./logs.js";
import { NodeError } from "./nodeError.js";
import { signPermit, tryPermit } from "./permit.js";
import { withRevertDecoded } from "./revert.js";
import { MAX_TRANSACTION_GAS, mined, signerOf } from "./transactions.js";
import { checkNotBlocked, type TokenTransfer, withTransferExplained } from "./transfers.js";

/** The part of an address book that a client needs. */
export interface Addresses {
  chainId: number;
  addresses: DeploymentAddresses;
  /** Block no later than the deployment's first log; null if it is not known. */
  firstBlock?: number | null;
}

/** Settings with which a client reads logs. */
export interface LogOptions {
  /** A block not later than the creation of the system's first contract; 0 if it is not known. */
  since?: number;
  onProgress?: OnProgress;
}

/** The terms of an order to open: `OpenParams` of IComputeEscrow.sol, with defaults for what most orders leave out. */
export interface OrderRequest {
  /** The node's id; the order is a joint one if left out. */
  nodeId?: bigint;
  asset: string;
  /** TU to buy, 18 decimals. */
  tuAmount: bigint;
  /** The most to pay, in base units of the asset per whole TU. */
  maxUnitPrice: bigint;
  /** Seconds from now until the order ends: 1 hour to 366 days. */
  duration: bigint;
  /** Recipient of the order's token; the payer if left out. */
  renter?: string;
  /** Recipient of the refund; if left out, the holder of the order at that time. */
  refundTo?: string;
  jobHash?: string;
  /** The payer's reference, usable once per payer; none if left out. */
  paymentRef?: string;
  /** A closed order whose place in the escrow's storage is taken over, for less gas; see `reusableOrders`. */
  reuse?: bigint;
}

export interface PermitOptions {
  /** Last second at which the permit may be used, in unix seconds; an hour after the latest block if left out. */
  deadline?: bigint;
  /** The asset's EIP-712 domain, for an asset of which `findPermitDomain` does not find it. */
  domain?: TypedDataDomain;
}

export interface OpenedOrder {
  orderId: bigint;
  receipt: TransactionReceipt;
}

/** A final bucket that a miner has not claimed. */
export interface ClaimableBucket {
  id: bigint;
  round: bigint;
  asset: string;
  /** TFT, 18 decimals. */
  amount: bigint;
}

/** Thrown when a client needs the chain, but its runner has no provider. */
export class NoProviderError extends TuringFogError {
  constructor() {
    super("The client's runner has no provider: connect it to one");
  }
}

/** Thrown when an asset was never listed, so that no order can be in it. */
export class UnknownAssetError extends TuringFogError {
  constructor(readonly asset: string) {
    super(`Asset ${asset} was never listed`);
  }
}

/** Thrown when a node is on another chain than that of the address book. */
export class OtherChainError extends NodeError {
  constructor(
    readonly chainId: bigint,
    readonly expected: number,
  ) {
    super(
      (node, url) =>
        `${node} is on chain ${chainId}, the deployment on ${expected}: ` +
        `check the network, where its address book is and ${url}`,
    );
  }
}

const PERMIT_LIFETIME = HOUR;

/**
 * Limits of a settlement that every chain in CHAINS takes: Arbitrum's sequencer 95,000 bytes, of which a transaction has
 * up to 200 beside its calldata, and EIP-7825 the gas.
 */
export const SETTLEMENT_LIMITS = { maxBytes: 94_800, maxGas: MAX_TRANSACTION_GAS };

/** The most acknowledgements in one transaction within the same limits: each 256 bytes, and up to 46,000 gas. */
const MAX_ACKNOWLEDGEMENTS = 300;

/**
 * A client of the whole protocol, which reads and writes through one runner: a provider, or a signer that can also
 * send.
 */
export class TuringFog {
  readonly contracts: SystemContracts;

  constructor(
    readonly addresses: SystemAddresses,
    readonly runner: ContractRunner,
    readonly logs: LogOptions = {},
  ) {
    this.contracts = connectContracts(addresses, runner);
  }

  /**
   * Returns a client of the deployment in an address book, after checking that the runner's chain is that of the book.
   * Logs are read from the block of the deployment, if the book knows it.
   * @throws NoProviderError, OtherChainError
   */
  static async at(book: Addresses, runner: ContractRunner, onProgress?: OnProgress): Promise<TuringFog> {
    if (!runner.provider) throw new NoProviderError();
    checkChain((await runner.provider.getNetwork()).chainId, book);
    return new TuringFog(book.addresses, runner, { since: book.firstBlock ?? 0, onProgress });
  }

  /** Returns a client of the same contracts through another runner. */
  connect(runner: ContractRunner): TuringFog {
    return new TuringFog(this.addresses, runner, this.logs);
  }

  /**
   * Opens an order that the payer's allowance pays for.
   * @throws NoSignerError, RevertError
   * @throws BlockedAccountError, TransferRefusedError if the asset's issuer or the asset stands against the deposit
   */
  async openOrder(request: OrderRequest): Promise<OpenedOrder> {
    return this.opened(await this.openingCall(request), request);
  }

  /**
   * Opens an order with an ERC-2612 permit. The payer signs it for the highest deposit, ⌈tuAmount · maxUnitPrice /
   * 1e18⌉ base units of the asset. The asset tries it before anything is sent.
   * @throws NoSignerError, NoProviderError, RevertError
   * @throws BlockedAccountError, TransferRefusedError if the asset's issuer or the asset stands against the deposit
   * @throws NoPermitError, UnknownDomainError, ContractOwnerError, PermitRefusedError if the permit is not to be had
   */
  async openOrderWithPermit(request: OrderRequest, options: PermitOptions = {}): Promise<OpenedOrder> {
    return this.opened(await this.permittedOpeningCall(request, options), request);
  }

  /**
   * Returns the call to the escrow that {@link openOrder} sends, for a sender of one's own.
   * @throws NoSignerError, BlockedAccountError
   */
  async openingCall(request: OrderRequest): Promise<ContractTransaction> {
    const payer = await this.signer.getAddress();
    const deposit = this.depositFrom(request, payer);
    await this.checkPath(deposit);
    const { openOrder } = this.contracts.escrow;
    const params = openParams(request, payer);
    const gas = await this.explained(
      gasIfTaken(params, (taken) => openOrder.estimateGas(taken)),
      deposit,
    );
    return openOrder.populateTransaction(params, gas);
  }

  /**
   * Returns the call to the escrow that {@link openOrderWithPermit} sends, with its permit, for a sender of one's own.
   * @throws NoSignerError, NoProviderError, BlockedAccountError
   * @throws NoPermitError, UnknownDomainError, ContractOwnerError, PermitRefusedError if the permit is not to be had
   */
  async permittedOpeningCall(request: OrderRequest, options: PermitOptions = {}): Promise<ContractTransaction> {
    const payer = await this.signer.getAddress();
    const asset = TFT__factory.connect(request.asset, this.runner);
    const { escrow } = this.addresses;
    const deadline = options.deadline ?? (await this.latestTimestamp()) + PERMIT_LIFETIME;
    const deposit = this.depositFrom(request, payer);
    const { amount } = deposit;
    await this.checkPath(deposit);
    const permit = await signPermit(this.signer, asset, escrow, amount, deadline, options.domain);
    await tryPermit(this.signer, asset, escrow, amount, permit);
    const { openOrderWithPermit: open } = this.contracts.escrow;
    const params = openParams(request, payer);
    const gas = await this.explained(
      gasIfTaken(params, (taken) => open.estimateGas(taken, permit)),
      deposit,
    );
    return open.populateTransaction(params, permit, gas);
  }

  /**
   * Settles a tree's receipts of one asset, in as many transactions as it takes, one after the other.
   * @param receipts receipts to settle; all of the tree's receipts in the asset if left out
   * @throws NoSignerError, UnknownAssetError, UnknownReceiptError, RevertError, TransferRefusedError,
   * IncompleteLogsError, NoContractError
   */
  async settle(asset: string, tree: ReceiptTree, receipts?: Iterable<Receipt>): Promise<ContractTransactionReceipt[]> {
    const only = receipts ?? (await this.isIn(asset));
    const escrow = this.contracts.escrow.connect(this.signer);
    const settlements: ContractTransactionReceipt[] = [];
    for (const slice of tree.slices({ ...SETTLEMENT_LIMITS, only })) {
      const sent = escrow.settle(asset, slice.receiptsRoot, slice.receipts, slice.proof, slice.proofFlags);
      settlements.push(await withTransferExplained(mined(sent), this.runner, () => this.earningsOf(asset)));
    }
    return settlements;
  }

  /**
   * Settles acknowledgements of one asset, in as many transactions as it takes, one after the other.
   * @throws NoSignerError, RevertError, TransferRefusedError
   */
  async settleAcknowledged(
    asset: string,
    acknowledgements: readonly Acknowledgement[],
  ): Promise<ContractTransactionReceipt[]> {
    const escrow = this.contracts.escrow.connect(this.signer);
    const settlements: ContractTransactionReceipt[] = [];
    for (let i = 0; i < acknowledgements.length; i += MAX_ACKNOWLEDGEMENTS) {
      const some = acknowledgements.slice(i, i + MAX_ACKNOWLEDGEMENTS);
      const sent = escrow.settleAcknowledged(asset, some);
      settlements.push(await withTransferExplained(mined(sent), this.runner, () => this.earningsOf(asset)));
    }
    return settlements;
  }

  /**
   * Returns the final buckets of which a miner can claim something, in the order in which they first earned
   * in them. Finds them by the logs of what the miner has earned.
   * @param fromBlock,toBlock range of blocks to search; all since the deployment if left out
   * @throws NoProviderError, IncompleteLogsError, NoContractError
   */
  async claimableBuckets(miner: string, fromBlock?: number, toBlock?: number): Promise<ClaimableBucket[]> {
    const { pool } = this.contracts;
    const earned = await readEarnedBuckets(this.contracts, this.range(fromBlock, toBlock), miner);
    const buckets = await Promise.all(
      Array.from(earned.keys(), async (id) => ({
        id,
        ...decodeBucketId(id),
        amount: await pool.claimable(miner, [id]),
      })),
    );
    return buckets.filter(({ amount }) => amount > 0n);
  }

  /**
   * Returns the closed orders whose places in the escrow's storage are free, latest first: each can be the `reuse` of one
   * new order. Finds them by the logs of all orders.
   * @param fromBlock,toBlock range of blocks to search; all since the deployment if left out
   * @throws NoProviderError, IncompleteLogsError, NoContractError
   */
  async reusableOrders(fromBlock?: number, toBlock?: number): Promise<bigint[]> {
    const { escrow, timelock } = this.contracts;
    const [opened, closed] = await readEvents(
      this.range(fromBlock, toBlock),
      await timelockWitness(timelock),
      { contract: escrow, event: escrow.filters.OrderOpened },
      { contract: escrow, event: escrow.filters.OrderClosed },
    );
    const latest = new Map<bigint, bigint>();
    for (const { args } of opened) latest.set(decodeOrderId(args.orderId).place, args.orderId);
    const ids = closed.map(({ args }) => args.orderId).reverse();
    return ids.filter((orderId) => {
      const { place, generation } = decodeOrderId(orderId);
      return generation < LAST_GENERATION && (latest.get(place) ?? orderId) === orderId;
    });
  }

  /** Returns the transfer of an order's deposit at its highest, for `withTransferExplained`. */
  depositFrom({ asset, tuAmount, maxUnitPrice }: OrderRequest, payer: string): TokenTransfer {
    const escrow = { name: "the escrow", address: this.addresses.escrow };
    const amount = depositOf(tuAmount, maxUnitPrice);
    return { asset, from: { name: "the payer", address: payer }, to: escrow, spender: escrow, amount };
  }

  private get signer(): Signer {
    return signerOf(this.runner);
  }

  /** The transfer of what a settlement has earned: all that the escrow owes at most. */
  private async earningsOf(asset: string): Promise<TokenTransfer> {
    const { escrow, controller } = this.addresses;
    return {
      asset,
      from: { name: "the escrow", address: escrow },
      to: { name: "the controller", address: controller },
      amount: await this.contracts.escrow.liabilities(asset),
    };
  }

  /** Checks that the issuer has blocked none of those whom a deposit passes; some tokens would take it and keep it. */
  private checkPath({ asset, from, to }: TokenTransfer): Promise<void> {
    const controller = { name: "the controller", address: this.addresses.controller };
    return checkNotBlocked(this.runner, asset, [to, controller, from]);
  }

  private explained<T>(result: Promise<T>, deposit: TokenTransfer): Promise<T> {
    return withTransferExplained(withRevertDecoded(result), this.runner, () => deposit);
  }

  private async opened(call: ContractTransaction, request: OrderRequest): Promise<OpenedOrder> {
    const { signer } = this;
    const deposit = this.depositFrom(request, await signer.getAddress());
    const receipt = await this.explained(mined<TransactionReceipt>(signer.sendTransaction(call)), deposit);
    const escrow = getAddress(this.addresses.escrow);
    const { topicHash } = this.contracts.escrow.interface.getEvent("OrderOpened");
    const [orderId] = receipt.logs
      .filter(({ address, topics }) => address === escrow && topics[0] === topicHash)
      .map(({ topics }) => BigInt(topics[1]));
    return { orderId, receipt };
  }

  /** Returns the condition that a receipt is of an order in an asset. */
  private async isIn(asset: string): Promise<(receipt: Receipt) => boolean> {
    const { escrow, timelock } = this.contracts;
    const range = this.range();
    const [listings] = await readEvents(range, await timelockWitness(timelock), {
      contract: escrow,
      event: escrow.filters.AssetListed,
    });
    const listing = listings.find(({ args }) => args.asset === getAddress(asset));
    if (listing === undefined) {
      if (!(await escrow.isListed(asset))) throw new UnknownAssetError(asset);
      const { provider, since = 0 } = range;
      const to = await provider.getBlockNumber();
      throw new IncompleteLogsError(this.addresses.escrow, `AssetListed(${asset})`, since, to);
    }
    const { index } = listing.args;
    return ({ orderId }) => decodeOrderId(orderId).assetIndex === index;
  }

  private range(from?: number, to?: number): LogRange {
    if (!this.runner.provider) throw new NoProviderError();
    return { provider: this.runner.provider, from, to, ...this.logs };
  }

  private async latestTimestamp(): Promise<bigint> {
    const block = await this.runner.provider?.getBlock("latest");
    if (!block) throw new NoProviderError();
    return BigInt(block.timestamp);
  }
}

function openParams(request: OrderRequest, payer: string): OpenParamsStruct {
  const given = Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
  const defaults = { nodeId: 0n, renter: payer, refundTo: ZeroAddress, jobHash: ZeroHash };
  return { ...defaults, paymentRef: ZeroHash, reuse: 0n, ...given } as OpenParamsStruct;
}

/** Added to an order's id, it names a place beyond all that there can be. */
const NO_PLACE = 1n << 88n;

/**
 * Returns the gas limit of an order that is to take over a place: what the order takes if someone else has taken the place
 * before. Nothing for an order in a new place, of which the estimate is right.
 */
async function gasIfTaken(
  params: OpenParamsStruct,
  estimate: (params: OpenParamsStruct) => Promise<bigint>,
): Promise<{ gasLimit?: bigint }> {
  const reuse = BigInt(params.reuse);
  return reuse === 0n ? {} : { gasLimit: await estimate({ ...params, reuse: reuse | NO_PLACE }) };
}

/**
 * Checks that a node's chain is that of an address book.
 * @throws OtherChainError
 */
export function checkChain(chainId: bigint, book: Pick<Addresses, "chainId">): void {
  if (chainId !== BigInt(book.chainId)) throw new OtherChainError(chainId, book.chainId);
}
