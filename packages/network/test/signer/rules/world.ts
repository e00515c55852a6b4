import type {
  Facts,
  RuledChain,
  RuledChallenge,
  RuledDocument,
  RuledNode,
  RuledOrder,
  RuledReading,
} from "@turingfog/network";

export const TU = 10n ** 18n;
export const START = 1_800_000_000n;
export const DAY = 86_400n;
export const KEY = `0x${"11".repeat(20)}`;
export const ZERO_HASH = `0x${"00".repeat(32)}`;

export const digestOf = (orderId: bigint, nodeId: bigint, sequence: bigint): string =>
  sequence === 0n ? ZERO_HASH : `0x${((orderId << 128n) | (nodeId << 64n) | sequence).toString(16).padStart(64, "0")}`;

export const order = (values: Partial<RuledOrder> & { orderId: bigint }): RuledOrder => ({
  nodeId: 1n,
  tuAmount: 100n * TU,
  startedAt: START,
  endsAt: START + DAY,
  closed: false,
  jobHash: ZERO_HASH,
  acknowledgedTU: 0n,
  ...values,
});

export const node = (values: Partial<RuledNode> & { nodeId: bigint }): RuledNode => ({
  ratePerDay: 10n * TU,
  attestations: [{ from: 0n, until: START + 100n * DAY }],
  ...values,
});

/** A chain of readings from pairs of seconds after the start and TU. */
export const chain = (orderId: bigint, nodeId: bigint, points: readonly (readonly [bigint, bigint])[]): RuledChain => ({
  orderId,
  nodeId,
  readings: points.map(([seconds, cumulativeTU], i) => ({
    sequence: BigInt(i) + 1n,
    cumulativeTU,
    measuredAt: START + seconds,
    evidence: ZERO_HASH,
    digest: digestOf(orderId, nodeId, BigInt(i) + 1n),
    previous: digestOf(orderId, nodeId, BigInt(i)),
    meterKey: KEY,
  })),
});

export interface World {
  orders: RuledOrder[];
  nodes: RuledNode[];
  documents?: RuledDocument[];
  challenges?: RuledChallenge[];
  stopped?: bigint[];
  vetoed?: bigint[];
  results?: RuledReading[];
  audited?: Facts["audited"];
  signed?: { orderId: bigint; measuredAt: bigint; batch: bigint }[];
}

const ALWAYS: RuledDocument = { sequence: 1n, meterKey: KEY, expiresAt: START + 1_000n * DAY, firstSeen: 0n };

export const facts = (world: World): Facts => ({
  order: (orderId) => world.orders.find((each) => each.orderId === orderId),
  node: (nodeId) => world.nodes.find((each) => each.nodeId === nodeId),
  documents: () => world.documents ?? [ALWAYS],
  challenges: () => world.challenges ?? [{ at: START + 50n * DAY, passed: true }],
  isStopped: (nodeId) => world.stopped?.includes(nodeId) ?? false,
  hasResult: (_order, _node, reading) => world.results?.includes(reading) ?? false,
  audited: (orderId, nodeId) => world.audited?.(orderId, nodeId),
  signed: (orderId) => (world.signed ?? []).filter((each) => each.orderId === orderId),
  isVetoed: (orderId) => world.vetoed?.includes(orderId) ?? false,
});
