/**
 * What others cost and where the floors lie: published contracts, each compiled with its own project's settings, with
 * OpenZeppelin's ERC-20 as the token, called by a plain account under the Prague rules, in the steady state (no balance
 * and no slot starts from zero). A floor is what the operation cannot do without: the base cost of a transaction, its
 * calldata, the slots and the event.
 */

/** A figure that is not measured here. */
export interface Quote {
  name: string;
  gas: number;
}

/** What an operation is compared with. */
export interface Reference {
  floor?: number;
  quoted?: readonly Quote[];
  /** Peers measured in the same run: the id of the figure, and what it is called. */
  measured?: readonly { id: string; name: string }[];
  /** At most this, by the project's own goal: under the rules in force, and under Amsterdam's if that has one. */
  bar?: { gas: number; amsterdam?: number };
}

const OPEN_PEERS: readonly Quote[] = [
  { name: "Golem createDeposit", gas: 110_169 },
  { name: "Sablier createWithDurationsLL", gas: 176_976 },
  { name: "iExec Boost matchOrders", gas: 363_442 },
];

const CLAIM_PEERS: readonly Quote[] = [
  { name: "1inch CumulativeMerkleDrop", gas: 59_026 },
  { name: "Synthetix getReward", gas: 76_138 },
  { name: "EigenLayer RewardsCoordinator", gas: 91_268 },
  { name: "Sablier withdraw", gas: 93_355 },
];

const SETTLE_PEERS: readonly Quote[] = [
  { name: "iExec Boost pushResult", gas: 154_514 },
  { name: "Livepeer redeemWinningTicket", gas: 182_542 },
];

const BUYBACK_PEERS: readonly Quote[] = [
  { name: "Euler fee-flow, no burn", gas: 61_698 },
  { name: "Uniswap Firepit, no burn", gas: 67_889 },
  { name: "Maker FlapperUniV2SwapOnly", gas: 152_544 },
];

const SWAPS = [
  { id: "peer.v2swap", name: "Uniswap v2 swap, no burn" },
  { id: "peer.v3swap", name: "Uniswap v3 swap, no burn" },
];

/** A settled receipt whose order and reward slots are not zero, behind others of the same call. */
const NEXT_RECEIPT_FLOOR = 7_317;

/** Extra cost of a slot that was zero before: 20,000 instead of 2,900. */
const NEW_SLOT = 17_100;

const OPEN_FLOOR = 64_103;
const REPORT_FLOOR = 51_725;
const CLAIM_FLOOR = 42_510;

export const REFERENCES: Readonly<Record<string, Reference>> = {
  "open.node": { floor: OPEN_FLOOR, quoted: OPEN_PEERS, bar: { gas: 93_000, amsterdam: 150_000 } },
  "open.fresh": { floor: OPEN_FLOOR, quoted: OPEN_PEERS, bar: { gas: 144_000, amsterdam: 442_000 } },
  "open.batch": { bar: { gas: 33_000, amsterdam: 62_000 } },
  "open.node.tft": { floor: OPEN_FLOOR, quoted: OPEN_PEERS },
  "open.joint": { floor: OPEN_FLOOR, quoted: OPEN_PEERS },
  "open.joint.tft": { floor: OPEN_FLOOR, quoted: OPEN_PEERS },
  "report.3of4": {
    floor: REPORT_FLOOR,
    quoted: [{ name: "Chainlink OCR2 transmit", gas: 95_282 }],
    bar: { gas: 71_600, amsterdam: 155_000 },
  },
  "settle.next.first": { floor: NEXT_RECEIPT_FLOOR + NEW_SLOT, quoted: SETTLE_PEERS },
  "settle.next.fresh": {
    floor: NEXT_RECEIPT_FLOOR,
    quoted: SETTLE_PEERS,
    bar: { gas: 22_900, amsterdam: 38_600 },
  },
  "settle.next": { floor: NEXT_RECEIPT_FLOOR, quoted: SETTLE_PEERS, bar: { gas: 22_700, amsterdam: 37_800 } },
  "settle.acknowledged": { bar: { gas: 28_000, amsterdam: 49_000 } },
  "settle.single": { floor: 33_276, quoted: SETTLE_PEERS, bar: { gas: 112_000 } },
  "settle.whole.1": { floor: 33_276, quoted: SETTLE_PEERS },
  "settle.whole.1.fresh": { floor: 33_276, quoted: SETTLE_PEERS },
  "burn.phase1": {
    floor: 33_542,
    quoted: [{ name: "Maker FlapperUniV2SwapOnly", gas: 152_544 }],
    bar: { gas: 87_000 },
  },
  "buy.lot": { floor: 104_713, quoted: BUYBACK_PEERS, measured: SWAPS, bar: { gas: 123_000 } },
  "buy.filler": { floor: 104_713, quoted: BUYBACK_PEERS, measured: SWAPS },
  "buy.fillerV4": { floor: 104_713, quoted: BUYBACK_PEERS, measured: SWAPS },
  "claim.1": {
    floor: CLAIM_FLOOR,
    quoted: CLAIM_PEERS,
    measured: [
      { id: "peer.distributor", name: "Uniswap MerkleDistributor" },
      { id: "peer.vesting", name: "OpenZeppelin VestingWallet" },
    ],
    bar: { gas: 49_500, amsterdam: 68_000 },
  },
  "claim.1.first": {
    floor: 76_710,
    quoted: [
      { name: "1inch CumulativeMerkleDrop", gas: 93_164 },
      { name: "Uniswap MerkleDistributor", gas: 95_076 },
      { name: "Synthetix getReward", gas: 109_472 },
      { name: "EigenLayer RewardsCoordinator", gas: 125_456 },
    ],
  },
  close: { bar: { gas: 80_000, amsterdam: 128_000 } },
  transfer: { measured: [{ id: "peer.transfer", name: "OpenZeppelin ERC20" }] },
  job: {
    floor: Math.round(OPEN_FLOOR + REPORT_FLOOR / 50 + NEXT_RECEIPT_FLOOR + CLAIM_FLOOR),
    quoted: [
      { name: "Golem, no receipts, quorum or burn", gas: 204_724 },
      { name: "Sablier", gas: 279_533 },
      { name: "iExec Boost", gas: 517_956 },
      { name: "iExec PoCo", gas: 1_612_808 },
    ],
    bar: { gas: 168_000, amsterdam: 262_000 },
  },
};
