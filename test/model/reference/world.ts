import type { Receipt } from "@turingfog/sdk/wire";

/** With its checksum, as ethers writes it. */
export type Address = string;

/** The contracts whose calls, errors and events are compared; `aux` and `wide` are ERC-20s of 24 and 25 decimals. */
export type ContractName =
  "tft" | "usd" | "dai" | "aux" | "wide" | "vault" | "oracle" | "registry" | "pool" | "controller" | "escrow";

/** What errors and events carry. */
export type Value = bigint | string | boolean | readonly Value[];

/** A custom error, by the contract whose interface declares it. */
export class Refused extends Error {
  constructor(
    readonly contract: ContractName,
    readonly error: string,
    readonly args: readonly Value[],
  ) {
    super(`${error}(${args.join(", ")})`);
  }
}

export interface Event {
  contract: ContractName;
  name: string;
  args: readonly Value[];
}

/** An ERC-20. Balances and allowances that are missing are 0. */
export interface Token {
  decimals: bigint;
  balances: Map<Address, bigint>;
  /** By owner, then spender. */
  allowances: Map<Address, Map<Address, bigint>>;
  /** Permits used, by owner. */
  nonces: Map<Address, bigint>;
}

export interface Attestation {
  from: bigint;
  until: bigint;
}

/** What a quorum gave and what counts from a time on, unless it is undone before. */
export interface Rating {
  rating: bigint;
  from: bigint;
}

export interface Node {
  owner: Address;
  payout: Address;
  gpuModel: string;
  gpuCount: bigint;
  pendingOwner: Address;
  /** All that were not undone, each without a gap within; the last may be pending. */
  attestations: Attestation[];
  /** The end of the last one revoked. */
  revokedUntil: bigint;
  /** By asset. */
  listings: Map<Address, { unitPrice: bigint; capacityTU: bigint }>;
}

export interface Root {
  receipts: Receipt[];
  submittedAt: bigint;
  /** From when the veto window runs: the submission, or the end of the last freeze that met the root while pending. */
  windowFrom: bigint;
  fate: "standing" | "vetoed" | "expired";
}

export interface Order {
  /** Who stored there before, if anyone, has closed; `generation` counts them from 1. */
  place: bigint;
  generation: bigint;
  nodeId: bigint;
  asset: Address;
  unitPrice: bigint;
  tuAmount: bigint;
  startedAt: bigint;
  endsAt: bigint;
  refundTo: Address;
  holder: Address;
  approved: Address;
  isOpen: boolean;
  /** What each settled receipt has brought its node to, TU in all. */
  deliveries: { nodeId: bigint; tu: bigint }[];
}

/** What one settled receipt earned. */
export interface Earning {
  bucketId: bigint;
  miner: Address;
  amount: bigint;
  isClaimed: boolean;
}

/** What was earned in one round of an asset, and what became of it. */
export interface Bucket {
  round: bigint;
  asset: Address;
  /** When its first earning came. */
  openedAt: bigint;
  /** What was sold of it, or destroyed if it is TFT. */
  fills: { amount: bigint; tft: bigint }[];
  reward: bigint;
  /** When it was all sold, burned or written off; null before. */
  finalAt: bigint | null;
}

/** Plain data, so that it can be copied before each command and thrown away when the command is refused. */
export interface State {
  tokens: Map<Address, Token>;
  released: bigint;
  operations: { treasury: Address; share: bigint; owed: bigint };
  signers: Address[];
  quorum: bigint;
  signerSetVersion: bigint;
  guardian: Address;
  freezes: { startedAt: bigint; endsAt: bigint }[];
  lastVetoAt: bigint;
  lastRotationAt: bigint;
  roots: Map<string, Root>;
  /** All that were not undone. */
  ratings: Map<string, Rating>;
  /** All that were vetoed, by model. */
  vetoedRatings: Map<string, ReadonlySet<bigint>>;
  nodes: Map<bigint, Node>;
  /** Every asset that was ever listed. */
  assets: Map<Address, { index: bigint; isListed: boolean }>;
  /** The auction's reference price of every asset that was ever listed, apart from TFT. */
  references: Map<Address, bigint>;
  orders: Map<bigint, Order>;
  paymentRefs: { payer: Address; ref: string }[];
  earnings: Earning[];
  buckets: Map<bigint, Bucket>;
  recipients: Map<Address, Address>;
}

/** What genesis fixes. */
export interface Setting {
  addresses: Record<ContractName, Address>;
  governor: Address;
  /** Accounts with code. */
  contracts: ReadonlySet<Address>;
  epochLength: bigint;
  auctionPeriod: bigint;
  vetoWindow: bigint;
  grace: bigint;
}

/** What a command led to. */
export type Outcome = { events: Event[] } | { refused: Refused };

/** The protocol as the specification tells it, at a moment. */
export class World {
  now = 0n;
  private events: Event[] = [];

  constructor(
    readonly setting: Setting,
    public state: State,
  ) {}

  /** A world that goes its own way from here. */
  fork(): World {
    const fork = new World(this.setting, structuredClone(this.state));
    fork.now = this.now;
    return fork;
  }

  /** The same world at another time, to look at and not to change. */
  seenAt(time: bigint): World {
    const seen = new World(this.setting, this.state);
    seen.now = time;
    return seen;
  }

  get epoch(): bigint {
    return this.now / this.setting.epochLength;
  }

  emit(contract: ContractName, name: string, ...args: Value[]): void {
    this.events.push({ contract, name, args });
  }

  /** Carries out a command at a time, wholly or, when it is refused, not at all. */
  attempt(at: bigint, command: (world: World) => void): Outcome {
    const before = this.state;
    this.state = structuredClone(before);
    this.now = at;
    this.events = [];
    try {
      command(this);
      return { events: this.events };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.state = before;
      return { refused: error };
    }
  }
}

/** @throws Refused if `isBad` */
export function refuseIf(isBad: boolean, contract: ContractName, error: string, ...args: Value[]): void {
  if (isBad) throw new Refused(contract, error, args);
}

export function sum(amounts: Iterable<bigint>): bigint {
  let total = 0n;
  for (const amount of amounts) total += amount;
  return total;
}

/** What a map holds under a key that it is known to have. */
export function known<K, V>(map: ReadonlyMap<K, V>, key: K): V {
  const value = map.get(key);
  if (value === undefined) throw new Error(`The model has nothing under ${String(key)}`);
  return value;
}

/** A freeze or a rotation: all that does not count yet never will. */
export function undoPending(world: World): void {
  const { ratings, nodes } = world.state;
  for (const [gpuModel, { from }] of ratings) if (world.now < from) ratings.delete(gpuModel);
  for (const node of nodes.values()) {
    node.attestations = node.attestations.filter(({ from }) => from <= world.now);
  }
}
