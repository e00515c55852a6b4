import { NodeError } from "@turingfog/sdk/ethers";
import { ZeroAddress, ZeroHash } from "ethers";

/** An order as the chain has it, at the last final block. */
export interface OrderFacts {
  orderId: bigint;
  /** 0 on a joint order. */
  nodeId: bigint;
  asset: string;
  /** 18 decimals. */
  tuAmount: bigint;
  /** Base units of the asset per whole TU. */
  unitPrice: bigint;
  /** Unix seconds. */
  startedAt: bigint;
  endsAt: bigint;
  closed: boolean;
  jobHash: string;
  /** Zero for whoever holds the order's token. */
  refundTo: string;
  payer: string;
  /** Zero for none. */
  paymentRef: string;
  holder: string;
  openedAtBlock: bigint;
  /** TU of the latest acknowledgement that was settled, 18 decimals. */
  acknowledgedTU: bigint;
  /** Base units of the asset. */
  deposit: bigint;
  earned: bigint;
  /** Base units of the asset that came back when it was closed; undefined while it is open. */
  refund?: bigint;
  /** Returns the TU settled for a node, 18 decimals. */
  settledTU(nodeId: bigint): bigint;
}

/** A time in which a node is attested, both ends included, in unix seconds. */
export interface Attestation {
  from: bigint;
  until: bigint;
}

export interface NodeFacts {
  nodeId: bigint;
  owner: string;
  /** When the owner got it from another; 0 if it is the first. */
  ownedSince: bigint;
  gpuModel: string;
  /** TU per day, 18 decimals. */
  ratePerDay: bigint;
  metadataURI: string;
  /** Those that count or will count, the earliest first. */
  attestations: readonly Attestation[];
}

/** Checks whether a node may work on an order: on its own, or on a joint one if it was attested when the order began. */
export function mayWorkOn(
  facts: { attestedAt(nodeId: bigint, time: bigint): boolean },
  nodeId: bigint,
  order: Pick<OrderFacts, "nodeId" | "startedAt">,
): boolean {
  return order.nodeId === nodeId || (order.nodeId === 0n && facts.attestedAt(nodeId, order.startedAt));
}

export interface SignerSet {
  /** In ascending order, in lower case. */
  signers: readonly string[];
  quorum: number;
  version: bigint;
}

export type RootState = "pending" | "final" | "vetoed" | "expired";

/** A root of receipts that was submitted. */
export interface RootFacts {
  receiptsRoot: string;
  /** The SHA-256 of the published file. */
  dataHash: string;
  signerSetVersion: bigint;
  submittedAt: bigint;
  state: RootState;
  /** Unix seconds; undefined unless it is pending or final. */
  finalAt?: bigint;
}

/** An event of the chain, and the time of its block in unix seconds. */
export interface ChainEvent {
  name: string;
  args: Record<string, unknown>;
  block: number;
  time: bigint;
}

/** Thrown when an event is about something of which no event has told. */
export class MissingEventError extends NodeError {
  constructor(what: string, id: bigint) {
    super(
      (node, url) =>
        `${node} tells what became of ${what} ${id}, and not that there is one: check ${url}, and use a node that has ` +
        "every log since the deployment",
    );
  }
}

class Order implements OrderFacts {
  readonly orderId: bigint;
  readonly nodeId: bigint;
  readonly asset: string;
  readonly tuAmount: bigint;
  readonly unitPrice: bigint;
  readonly startedAt: bigint;
  readonly jobHash: string;
  readonly refundTo: string;
  readonly payer: string;
  readonly paymentRef: string;
  readonly openedAtBlock: bigint;
  readonly deposit: bigint;
  endsAt: bigint;
  closed = false;
  acknowledgedTU = 0n;
  earned = 0n;
  refund?: bigint;
  private readonly settled = new Map<bigint, bigint>();

  constructor(
    args: Record<string, never>,
    { block, time }: ChainEvent,
    public holder: string,
  ) {
    this.orderId = args.orderId;
    this.nodeId = args.nodeId;
    this.asset = lower(args.asset);
    this.tuAmount = args.tuAmount;
    this.unitPrice = args.unitPrice;
    this.startedAt = time;
    this.endsAt = args.endsAt;
    this.jobHash = args.jobHash;
    this.refundTo = lower(args.refundTo);
    this.payer = lower(args.payer);
    this.paymentRef = args.paymentRef;
    this.openedAtBlock = BigInt(block);
    this.deposit = args.deposit;
  }

  settledTU(nodeId: bigint): bigint {
    return this.settled.get(nodeId) ?? 0n;
  }

  settle(nodeId: bigint, tu: bigint, earned: bigint): void {
    this.settled.set(nodeId, tu);
    this.earned += earned;
  }
}

interface Node extends NodeFacts {
  owner: string;
  ownedSince: bigint;
  metadataURI: string;
  attestations: Attestation[];
}

interface Root extends Omit<RootFacts, "state" | "finalAt"> {
  isVetoed: boolean;
  /** Number of freezes before it. */
  freezes: number;
}

type Handler = (args: Record<string, never>, event: ChainEvent) => void;

/** What follows from the chain's events, in their order. Mirrors what the contracts keep of them. */
export class Facts {
  readonly orders = new Map<bigint, Order>();
  /** Those that are not closed, by their node; 0 for joint ones. */
  readonly open = new Map<bigint, Set<OrderFacts>>();
  /** Those that were opened with a reference, by their payer and it. */
  private readonly paid = new Map<string, OrderFacts>();
  readonly nodes = new Map<bigint, Node>();
  signers: SignerSet = { signers: [], quorum: 0, version: 0n };
  /** When a root was vetoed or the signers were replaced last; 0 if never. */
  lastHoldAt = 0n;
  /** By the root: several may name one file. */
  private readonly roots = new Map<string, Root>();
  /** The latest of each file, by its SHA-256. */
  private readonly rootsOfFiles = new Map<string, Root>();
  /** Those that were ever listed, in lower case. */
  readonly assets = new Set<string>();
  private readonly ratings = new Map<string, bigint>();
  private readonly freezes: { startedAt: bigint; endsAt: bigint }[] = [];
  /** When a signer set was replaced, by its version. */
  private readonly rotatedAt = new Map<bigint, bigint>();

  /** Holders of tokens whose order has not been told of: a token is minted first. */
  private readonly minted = new Map<bigint, string>();

  /** @param vetoWindow seconds */
  constructor(private readonly vetoWindow: bigint) {}

  apply(event: ChainEvent): void {
    this.handlers[event.name as EventName](event.args as Record<string, never>, event);
  }

  /** Returns what the escrow owes in each asset, in base units: the deposits of all open orders less what was earned. */
  liabilities(): Map<string, bigint> {
    const owed = new Map([...this.assets].map((asset) => [asset, 0n]));
    for (const orders of this.open.values()) {
      for (const { asset, deposit, earned } of orders) owed.set(asset, (owed.get(asset) ?? 0n) + deposit - earned);
    }
    return owed;
  }

  /** Returns the order that a payer, in lower case, has opened with a reference. */
  orderPaidBy(payer: string, paymentRef: string): OrderFacts | undefined {
    return this.paid.get(`${payer} ${paymentRef}`);
  }

  /** Returns when the last freeze ends or has ended; 0 if there was none. */
  get frozenUntil(): bigint {
    return this.freezes.at(-1)?.endsAt ?? 0n;
  }

  /** Returns the nodes that open orders may be worked on by: those that have one and, if there is a joint one, all. */
  nodesAtWork(): bigint[] {
    const hasWork = (nodeId: bigint) => (this.open.get(nodeId)?.size ?? 0) > 0;
    return [...this.nodes.keys()].filter((nodeId) => hasWork(0n) || hasWork(nodeId));
  }

  attestedAt(nodeId: bigint, time: bigint): boolean {
    const attestations = this.nodes.get(nodeId)?.attestations ?? [];
    return attestations.some(({ from, until }) => from <= time && time <= until);
  }

  allRoots(time: bigint): RootFacts[] {
    return Array.from(this.roots.values(), (root) => this.stateOf(root, time));
  }

  root(dataHash: string, time: bigint): RootFacts | undefined {
    const root = this.rootsOfFiles.get(dataHash);
    return root && this.stateOf(root, time);
  }

  private stateOf(root: Root, time: bigint): RootFacts {
    const { receiptsRoot, dataHash, signerSetVersion, submittedAt, isVetoed, freezes } = root;
    const known = { receiptsRoot, dataHash, signerSetVersion, submittedAt };
    if (isVetoed) return { ...known, state: "vetoed" };

    // only the first freeze after a submission can meet a root while it is pending
    const undisturbed = submittedAt + this.vetoWindow;
    const next = this.freezes.at(freezes);
    const finalAt = next !== undefined && next.startedAt < undisturbed ? next.endsAt + this.vetoWindow : undisturbed;
    const rotatedAt = this.rotatedAt.get(signerSetVersion);
    if (rotatedAt !== undefined && rotatedAt < finalAt) return { ...known, state: "expired" };
    return { ...known, state: time < finalAt ? "pending" : "final", finalAt };
  }

  private readonly handlers = {
    AssetListed: ({ asset }) => {
      this.assets.add(lower(asset));
    },
    OrderOpened: (args, event) => {
      const order = new Order(args, event, this.minted.get(args.orderId) ?? ZeroAddress);
      if (order.nodeId !== 0n) this.nodeOf(order.nodeId);
      this.minted.delete(order.orderId);
      this.orders.set(order.orderId, order);
      if (order.paymentRef !== ZeroHash) this.paid.set(`${order.payer} ${order.paymentRef}`, order);
      this.open.set(order.nodeId, (this.open.get(order.nodeId) ?? new Set()).add(order));
    },
    Transfer: ({ to, tokenId }) => {
      const order = this.orders.get(tokenId);
      if (order === undefined) this.minted.set(tokenId, lower(to));
      // that of a closed order is burnt
      else if (to !== ZeroAddress) order.holder = lower(to);
    },
    OrderStopped: ({ orderId, endsAt }) => {
      this.orderOf(orderId).endsAt = endsAt;
    },
    OrderClosed: ({ orderId, refund }) => {
      const order = this.orderOf(orderId);
      order.closed = true;
      order.refund = refund;
      this.open.get(order.nodeId)?.delete(order);
    },
    ReceiptSettled: ({ orderId, nodeId, tuSettled, earned }) => {
      this.orderOf(orderId).settle(nodeId, tuSettled, earned);
    },
    AcknowledgementSettled: ({ orderId, nodeId, tuSettled, earned }) => {
      const order = this.orderOf(orderId);
      order.settle(nodeId, tuSettled, earned);
      order.acknowledgedTU = tuSettled;
    },
    ModelRated: ({ gpuModel, rating }) => {
      this.ratings.set(gpuModel, rating);
    },
    NodeRegistered: ({ nodeId, owner, gpuModel, gpuCount, metadataURI }) => {
      const ratePerDay = (this.ratings.get(gpuModel) ?? 0n) * BigInt(gpuCount);
      this.nodes.set(nodeId, {
        nodeId,
        owner: lower(owner),
        ownedSince: 0n,
        gpuModel,
        ratePerDay,
        metadataURI,
        attestations: [],
      });
    },
    NodeTransferred: ({ nodeId, newOwner }, { time }) => {
      const node = this.nodeOf(nodeId);
      node.owner = lower(newOwner);
      node.ownedSince = time;
    },
    MetadataURISet: ({ nodeId, metadataURI }) => {
      this.nodeOf(nodeId).metadataURI = metadataURI;
    },
    NodeAttested: ({ nodeId, attestedFrom, validUntil }) => {
      const { attestations } = this.nodeOf(nodeId);
      const prolonged = attestations.find(({ from }) => from === attestedFrom);
      if (prolonged === undefined) attestations.push({ from: attestedFrom, until: validUntil });
      else prolonged.until = validUntil;
    },
    NodeRevoked: ({ nodeId, attestedFrom }, { time }) => {
      const node = this.nodeOf(nodeId);
      const revoked = node.attestations.find(({ from }) => from === attestedFrom);
      if (revoked !== undefined) revoked.until = time - 1n;
      node.attestations = node.attestations.filter(({ from, until }) => from <= until);
    },
    SignersSet: ({ signerSetVersion, signers, quorum }, { time }) => {
      this.rotatedAt.set(this.signers.version, time);
      // the first ones came with the deployment
      if (this.signers.version > 0n) this.lastHoldAt = time;
      const ascending = (signers as string[]).map(lower);
      this.signers = { signers: ascending, quorum: Number(quorum), version: signerSetVersion };
      this.dropPending(time);
    },
    RootSubmitted: ({ receiptsRoot, dataHash, signerSetVersion }, { time }) => {
      const freezes = this.freezes.length;
      const root = { receiptsRoot, dataHash, signerSetVersion, submittedAt: time, isVetoed: false, freezes };
      // one that expired may come again
      this.roots.delete(receiptsRoot);
      this.roots.set(receiptsRoot, root);
      this.rootsOfFiles.set(dataHash, root);
    },
    RootVetoed: ({ receiptsRoot }, { time }) => {
      this.lastHoldAt = time;
      const root = this.roots.get(receiptsRoot);
      if (root !== undefined) root.isVetoed = true;
    },
    Frozen: ({ until }, { time }) => {
      this.freezes.push({ startedAt: time, endsAt: until });
      this.dropPending(time);
    },
    Thawed: (_, { time }) => {
      this.freezes[this.freezes.length - 1].endsAt = time;
    },
  } satisfies Record<string, Handler>;

  private orderOf(orderId: bigint): Order {
    return known("order", orderId, this.orders);
  }

  private nodeOf(nodeId: bigint): Node {
    return known("node", nodeId, this.nodes);
  }

  /** Undoes the attestations that do not count yet. */
  private dropPending(time: bigint): void {
    for (const node of this.nodes.values()) node.attestations = node.attestations.filter(({ from }) => from <= time);
  }
}

/** Returns what an event must be about; the node of the chain has left out the event that made it. */
function known<T>(what: string, id: bigint, all: ReadonlyMap<bigint, T>): T {
  const found = all.get(id);
  if (found === undefined) throw new MissingEventError(what, id);
  return found;
}

type EventName = keyof Facts["handlers"];

function lower(address: unknown): string {
  return String(address).toLowerCase();
}
