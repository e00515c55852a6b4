import {
  getAddress,
  Signature,
  ZeroAddress,
  ZeroHash,
  type ContractRunner,
  type ContractTransactionReceipt,
  type ContractTransactionResponse,
  type Signer,
  type TypedDataDomain,
} from "ethers";

import {
  BuybackBurnController__factory,
  ComputeEscrow__factory,
  EmissionVault__factory,
  Genesis__factory,
  NodeRegistry__factory,
  RewardPool__factory,
  TFT__factory,
  TUReceiptOracle__factory,
  type BuybackBurnController,
  type ComputeEscrow,
  type EmissionVault,
  type Genesis,
  type NodeRegistry,
  type RewardPool,
  type TFT,
  type TUReceiptOracle,
} from "../typechain-types";
import type { OpenParamsStruct } from "../typechain-types/contracts/ComputeEscrow";
import { checkChain, readDeployment } from "./addresses";
import { TuringFogError } from "./errors";
import { readDomain } from "./oracle";
import { decodeBucketId, decodeOrderId, depositOf } from "./protocol";
import type { Receipt, ReceiptTree } from "./receipts";
import { withRevertDecoded } from "./revert";

/** Where the contracts are. */
export interface SystemAddresses {
  tft: string;
  vault: string;
  controller: string;
  pool: string;
  oracle: string;
  registry: string;
  escrow: string;
  genesis?: string;
}

/** What an order buys; as `OpenParams` in IComputeEscrow.sol, with what most orders leave out. */
export interface OrderRequest {
  /** The node; a joint order when left out. */
  nodeId?: bigint;
  asset: string;
  /** 18 decimals. */
  tuAmount: bigint;
  /** The most to pay, in base units of the asset per whole TU. */
  maxUnitPrice: bigint;
  /** Seconds from now: 1 hour to 366 days. */
  duration: bigint;
  /** Who receives the order's token; the payer when left out. */
  renter?: string;
  /** Who is refunded; whoever holds the order then when left out. */
  refundTo?: string;
  jobHash?: string;
  /** Usable once per payer. */
  paymentRef?: string;
}

export interface PermitOptions {
  /** Until when the permit may be used, in unix seconds; an hour from the latest block on when left out. */
  deadline?: bigint;
  /** The asset's EIP-712 domain, for one that does not tell it by `eip712Domain()` (ERC-5267). */
  domain?: TypedDataDomain;
}

export interface OpenedOrder {
  orderId: bigint;
  receipt: ContractTransactionReceipt;
}

/** A final bucket that a miner has not claimed. */
export interface ClaimableBucket {
  id: bigint;
  epoch: bigint;
  asset: string;
  /** TFT, 18 decimals. */
  amount: bigint;
}

/** Something that needs a signer was asked of a client that can only read. */
export class NoSignerError extends TuringFogError {
  constructor() {
    super("The client was connected without a signer");
  }
}

/** The time is needed, and the client's runner knows no chain. */
export class NoProviderError extends TuringFogError {
  constructor() {
    super("The client's signer was connected without a provider");
  }
}

/** An asset that was never listed, so no order can be in it. */
export class UnknownAssetError extends TuringFogError {
  constructor(readonly asset: string) {
    super(`Asset ${asset} was never listed`);
  }
}

/** The types of ERC-2612. */
const PERMIT_TYPES = {
  Permit: [
    { name: "owner", type: "address" },
    { name: "spender", type: "address" },
    { name: "value", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
};

const PERMIT_LIFETIME = 3_600n;

/** At up to 50,000 gas each, proof included, they stay below the 16,777,216 that a transaction may take (EIP-7825). */
const RECEIPTS_PER_SETTLEMENT = 200;

/** The whole protocol at its addresses, read and written through one runner: a provider, or a signer to send with. */
export class TuringFog {
  readonly tft: TFT;
  readonly vault: EmissionVault;
  readonly controller: BuybackBurnController;
  readonly pool: RewardPool;
  readonly oracle: TUReceiptOracle;
  readonly registry: NodeRegistry;
  readonly escrow: ComputeEscrow;
  /** Null when the address book leaves it out. */
  readonly genesis: Genesis | null;

  constructor(
    readonly addresses: SystemAddresses,
    readonly runner: ContractRunner,
  ) {
    this.tft = TFT__factory.connect(addresses.tft, runner);
    this.vault = EmissionVault__factory.connect(addresses.vault, runner);
    this.controller = BuybackBurnController__factory.connect(addresses.controller, runner);
    this.pool = RewardPool__factory.connect(addresses.pool, runner);
    this.oracle = TUReceiptOracle__factory.connect(addresses.oracle, runner);
    this.registry = NodeRegistry__factory.connect(addresses.registry, runner);
    this.escrow = ComputeEscrow__factory.connect(addresses.escrow, runner);
    this.genesis = addresses.genesis === undefined ? null : Genesis__factory.connect(addresses.genesis, runner);
  }

  /**
   * The deployment on a network, by the name of its address book.
   * @param directory where the address books are; those of this package when left out
   * @throws NotDeployedError, NoProviderError, OtherChainError
   */
  static async at(network: string, runner: ContractRunner, directory?: string): Promise<TuringFog> {
    const deployment = await readDeployment(network, directory);
    if (!runner.provider) throw new NoProviderError();
    checkChain((await runner.provider.getNetwork()).chainId, deployment);
    return new TuringFog(deployment.addresses, runner);
  }

  /** The same contracts through another runner. */
  connect(runner: ContractRunner): TuringFog {
    return new TuringFog(this.addresses, runner);
  }

  /**
   * Opens an order out of the payer's allowance.
   * @throws NoSignerError, RevertError
   */
  async openOrder(request: OrderRequest): Promise<OpenedOrder> {
    const payer = await this.signer.getAddress();
    return this.opened(this.escrow.openOrder(openParams(request, payer)));
  }

  /**
   * Opens an order with an ERC-2612 permit, which the payer signs for the highest deposit,
   * ⌈tuAmount · maxUnitPrice / 1e18⌉.
   * @throws NoSignerError, RevertError
   */
  async openOrderWithPermit(request: OrderRequest, options: PermitOptions = {}): Promise<OpenedOrder> {
    const payer = await this.signer.getAddress();
    const asset = TFT__factory.connect(request.asset, this.runner);
    const deadline = options.deadline ?? (await this.latestTimestamp()) + PERMIT_LIFETIME;
    const permit = {
      owner: payer,
      spender: this.addresses.escrow,
      value: depositOf(request.tuAmount, request.maxUnitPrice),
      nonce: await asset.nonces(payer),
      deadline,
    };
    const domain = options.domain ?? (await readDomain(asset));
    const { v, r, s } = Signature.from(await this.signer.signTypedData(domain, PERMIT_TYPES, permit));
    return this.opened(this.escrow.openOrderWithPermit(openParams(request, payer), { deadline, v, r, s }));
  }

  /**
   * Settles a tree's receipts of one asset, in as many transactions as it takes, one after the other.
   * @param receipts those to settle; all of the tree's in the asset when left out
   * @throws NoSignerError, UnknownAssetError, UnknownReceiptError, RevertError
   */
  async settle(asset: string, tree: ReceiptTree, receipts?: readonly Receipt[]): Promise<ContractTransactionReceipt[]> {
    if (receipts === undefined) {
      const index = await this.assetIndex(asset);
      receipts = tree.receipts.filter(({ orderId }) => decodeOrderId(orderId).assetIndex === index);
    }
    const settlements: ContractTransactionReceipt[] = [];
    for (let first = 0; first < receipts.length; first += RECEIPTS_PER_SETTLEMENT) {
      const proven = tree.multiproof(receipts.slice(first, first + RECEIPTS_PER_SETTLEMENT));
      const { receiptsRoot, proof, proofFlags } = proven;
      const sent = this.escrow.connect(this.signer).settle(asset, receiptsRoot, proven.receipts, proof, proofFlags);
      settlements.push(await mined(sent));
    }
    return settlements;
  }

  /**
   * The final buckets that a miner can claim something of, oldest first, found by the logs of what he has earned.
   * @param fromBlock,toBlock where to look for it; the whole chain when left out
   */
  async claimableBuckets(miner: string, fromBlock?: number, toBlock?: number): Promise<ClaimableBucket[]> {
    const [settled, added] = await Promise.all([
      this.escrow.queryFilter(this.escrow.filters.ReceiptSettled(undefined, undefined, miner), fromBlock, toBlock),
      this.pool.queryFilter(this.pool.filters.WeightAdded(), fromBlock, toBlock),
    ]);
    // a settlement adds its receipts' weights in the transaction in which it settles them
    const transactions = new Set(settled.map(({ transactionHash }) => transactionHash));
    const ids = new Set(added.filter((log) => transactions.has(log.transactionHash)).map(({ args }) => args.bucketId));
    const buckets = await Promise.all(
      Array.from(ids, async (id) => ({ id, ...decodeBucketId(id), amount: await this.pool.claimable(miner, [id]) })),
    );
    return buckets.filter(({ amount }) => amount > 0n).sort((a, b) => (a.epoch < b.epoch ? -1 : 1));
  }

  private get signer(): Signer {
    if (!isSigner(this.runner)) throw new NoSignerError();
    return this.runner;
  }

  private async opened(sent: Promise<ContractTransactionResponse>): Promise<OpenedOrder> {
    const receipt = await mined(sent);
    const escrow = getAddress(this.addresses.escrow);
    const { topicHash } = this.escrow.interface.getEvent("OrderOpened");
    const [orderId] = receipt.logs
      .filter(({ address, topics }) => address === escrow && topics[0] === topicHash)
      .map(({ topics }) => BigInt(topics[1]));
    return { orderId, receipt };
  }

  private async assetIndex(asset: string): Promise<bigint> {
    const [listed] = await this.escrow.queryFilter(this.escrow.filters.AssetListed(asset));
    if (listed === undefined) throw new UnknownAssetError(asset);
    return listed.args.index;
  }

  private async latestTimestamp(): Promise<bigint> {
    const block = await this.runner.provider?.getBlock("latest");
    if (!block) throw new NoProviderError();
    return BigInt(block.timestamp);
  }
}

function isSigner(runner: ContractRunner): runner is Signer {
  return "signTypedData" in runner;
}

function openParams(request: OrderRequest, payer: string): OpenParamsStruct {
  return { nodeId: 0n, renter: payer, refundTo: ZeroAddress, jobHash: ZeroHash, paymentRef: ZeroHash, ...request };
}

/** @throws RevertError */
async function mined(sent: Promise<ContractTransactionResponse>): Promise<ContractTransactionReceipt> {
  const receipt = await withRevertDecoded(sent.then((transaction) => transaction.wait()));
  return receipt as ContractTransactionReceipt; // null only when no confirmation is waited for
}
