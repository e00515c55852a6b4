import { DAY, HOUR, TU } from "@turingfog/sdk";
import { MaxUint256 } from "ethers";
import fc from "fast-check";

import type {
  AcknowledgementStep,
  Action,
  AssetName,
  Entry,
  Flaw,
  ModelStep,
  OrderStep,
  Pick,
  ReceiptStep,
  ReuseStep,
  When,
} from "./steps";

/** What random sequences are made of. The first of several choices is what shrinking ends at. */

const SECONDS_PER_DAY = Number(DAY);
const MAX_ATTESTATION = 90 * SECONDS_PER_DAY;

const MINERS = ["miner0", "miner1", "miner2"];
const PAYERS = ["renter0", "renter1", "bidder", "treasury"];
const PEOPLE = [...PAYERS, ...MINERS, "stranger", "operations", "guardian"];
const CONTRACTS = ["escrow", "pool", "controller", "vault", "oracle", "registry", "tft"];
const DECIMALS: Record<AssetName, bigint> = { tft: 18n, usd: 6n, dai: 18n, aux: 24n, wide: 25n };
const MODELS = ["V100", "GTX 1080 Ti", "RTX 2080 Ti", "Titan V", "H100", "A100"];
const SIGNERS = ["signer0", "signer1", "signer2", "signer3", "stranger", "guardian", "renter0", "zero"];

const from = fc.constantFrom;
const sometimes = <T, U>(often: fc.Arbitrary<T>, rarely: fc.Arbitrary<U>, weight = 12): fc.Arbitrary<T | U> =>
  fc.oneof({ weight, arbitrary: often }, { weight: 1, arbitrary: rarely });

const pick: fc.Arbitrary<Pick> = sometimes(fc.nat(30), fc.constant(null), 20);
const someone = sometimes(from(...PEOPLE), from("zero", ...CONTRACTS), 15);
/** Whoever is entitled, or rarely somebody else. */
const entitled: fc.Arbitrary<string | null> = sometimes(fc.constant(null), from(...PEOPLE));
const asset = sometimes(from<AssetName>("tft", "usd", "dai"), from<AssetName>("aux", "wide"), 25);

const moment = fc.oneof(
  { weight: 12, arbitrary: from<"final" | "epoch">("final", "epoch") },
  { weight: 4, arbitrary: from<"closable" | "end">("closable", "end") },
  { weight: 4, arbitrary: from<"thaw" | "lapse" | "nextFreeze" | "counts">("thaw", "lapse", "nextFreeze", "counts") },
);

const when: fc.Arbitrary<When> = fc.oneof(
  { weight: 30, arbitrary: fc.record({ after: fc.integer({ min: 1, max: 7_200 }) }) },
  { weight: 3, arbitrary: fc.record({ after: fc.integer({ min: SECONDS_PER_DAY / 4, max: 2 * SECONDS_PER_DAY }) }) },
  { weight: 1, arbitrary: fc.record({ after: fc.integer({ min: 5 * SECONDS_PER_DAY, max: 40 * SECONDS_PER_DAY }) }) },
  {
    weight: 16,
    arbitrary: fc.record({
      at: moment,
      pick: sometimes(fc.constant(0), fc.nat(30), 3),
      offset: sometimes(fc.constant(0), from(-1, 1), 3),
    }),
  },
);

/** Base units on top of a round number. */
const dust = sometimes(fc.constant(0), fc.nat(9), 1);

/** Hundredths of whole units up to 10,000, a few base units, or what no one can pay. */
const price = (name: AssetName): fc.Arbitrary<bigint> =>
  fc.oneof(
    {
      weight: 20,
      arbitrary: fc
        .tuple(fc.integer({ min: 1, max: 1_000_000 }), dust)
        .map(([hundredths, units]) => (BigInt(hundredths) * 10n ** DECIMALS[name]) / 100n + BigInt(units)),
    },
    { weight: 2, arbitrary: fc.bigInt(0n, 9n) },
    { weight: 1, arbitrary: from(2n ** 128n - 1n, 10n ** 33n) },
  );

const tu = fc.oneof(
  {
    weight: 20,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 50_000 }), dust)
      .map(([thousandths, units]) => (BigInt(thousandths) * TU) / 1_000n + BigInt(units)),
  },
  { weight: 1, arbitrary: fc.bigInt(0n, 9n) },
  { weight: 1, arbitrary: from(2n ** 96n - 1n) },
);

const flaw: fc.Arbitrary<Flaw> = fc.oneof(
  { weight: 24, arbitrary: from<Flaw>("none", "none", "all sign") },
  {
    weight: 3,
    arbitrary: from<Flaw>(
      "too few",
      "descending",
      "duplicate",
      "outsider",
      "stale version",
      "other message",
      "other key",
    ),
  },
);

const receipt: fc.Arbitrary<ReceiptStep> = fc.record({
  order: pick,
  node: sometimes(fc.constant(null), fc.nat(10), 10),
  percent: sometimes(fc.integer({ min: 1, max: 110 }), from(0, 100, 1_000), 4),
  extra: sometimes(fc.constant(0), fc.nat(3), 2),
  measured: fc.oneof(
    { weight: 5, arbitrary: from<"now" | "start" | "end">("now", "now", "now", "end", "start") },
    { weight: 3, arbitrary: fc.nat(1_000) },
  ),
  offset: sometimes(fc.constant(0), from(-1, 1), 8),
});

const buckets: fc.Arbitrary<Pick[]> = fc.array(pick, { maxLength: 5 });

const payer = sometimes(from(...PAYERS), from(...PEOPLE));

const reuse: fc.Arbitrary<ReuseStep> = fc.record({
  of: fc.oneof(
    { weight: 2, arbitrary: fc.constant("none" as const) },
    { weight: 6, arbitrary: fc.constant("closed" as const) },
    {
      weight: 4,
      arbitrary: from<ReuseStep["of"]>("taken over", "open", "unknown", "other asset"),
    },
  ),
  pick: fc.nat(5),
});

const orderIn = (name: AssetName): fc.Arbitrary<OrderStep> =>
  fc.record({
    node: fc.oneof(
      { weight: 5, arbitrary: fc.constant("joint" as const) },
      { weight: 8, arbitrary: fc.nat(10) },
      { weight: 1, arbitrary: fc.constant(null) },
    ),
    asset: fc.constant(name),
    tuAmount: tu,
    maxUnitPrice: price(name),
    aboveListing: sometimes(fc.bigInt(0n, 3n), fc.constant(null), 6),
    duration: fc.oneof(
      { weight: 10, arbitrary: fc.bigInt(HOUR, 5n * DAY) },
      { weight: 4, arbitrary: fc.bigInt(5n * DAY, 40n * DAY) },
      { weight: 1, arbitrary: from(HOUR - 1n, HOUR, 366n * DAY, 366n * DAY + 1n) },
    ),
    renter: someone,
    refundTo: sometimes(fc.constant("zero"), someone, 4),
    paymentRef: sometimes(fc.constant(0), fc.integer({ min: 1, max: 2 }), 5),
    reuse,
  });

const permit = sometimes(
  fc.constant("none" as const),
  from("valid" as const, "expired" as const, "other signer" as const, "used" as const),
  7,
);

const openOrder: fc.Arbitrary<Action> = fc
  .tuple(payer, permit, asset.chain(orderIn))
  .map(([drawn, kind, order]) => ({ do: "openOrder", payer: drawn, permit: kind, ...order }));

const openOrders: fc.Arbitrary<Action> = asset.chain((name) =>
  fc.record({
    do: fc.constant("openOrders" as const),
    payer,
    orders: sometimes(
      fc.array(orderIn(name), { maxLength: 3 }),
      fc.array(asset.chain(orderIn), { minLength: 2, maxLength: 3 }),
    ),
  }),
);

const acknowledgement: fc.Arbitrary<AcknowledgementStep> = fc.record({
  order: pick,
  percent: sometimes(fc.integer({ min: 1, max: 110 }), from(0, 100, 1_000), 4),
  extra: sometimes(fc.constant(0), fc.nat(3), 2),
  signer: entitled,
  signature: sometimes(fc.constant("valid"), from("of other TU", "short", "empty"), 8),
});

const setListing: fc.Arbitrary<Action> = asset.chain((name) =>
  fc.record({
    do: fc.constant("setListing" as const),
    node: pick,
    caller: entitled,
    asset: fc.constant(name),
    unitPrice: sometimes(price(name), fc.constant(0n), 8),
    capacityTU: sometimes(tu, fc.constant(10n ** 24n), 1),
  }),
);

/** An action's fields, each drawn on its own. */
function action<N extends Action["do"]>(
  name: N,
  fields: { [K in Exclude<keyof Extract<Action, { do: N }>, "do">]: fc.Arbitrary<Extract<Action, { do: N }>[K]> },
): fc.Arbitrary<Action> {
  return fc.record(fields as Record<string, fc.Arbitrary<unknown>>).map((drawn) => ({ do: name, ...drawn }) as Action);
}

const market: [number, fc.Arbitrary<Action>][] = [
  [14, openOrder],
  [2, openOrders],
  [4, setListing],
  [
    16,
    action("submit", {
      receipts: fc.array(receipt, { minLength: 1, maxLength: 5 }),
      flaw,
      hash: sometimes(fc.constant("given"), from("zero root", "zero data"), 25),
    }),
  ],
  [1, action("resubmit", { root: fc.nat(10), flaw })],
  [
    20,
    action("settle", {
      root: pick,
      asset: sometimes(fc.constant("matching"), asset, 6),
      leaves: fc.nat(31),
      proof: sometimes(fc.constant("valid"), from("tampered", "empty"), 20),
    }),
  ],
  [
    6,
    action("acknowledge", {
      asset: sometimes(fc.constant("matching"), asset, 6),
      caller: sometimes(fc.constant("stranger"), entitled, 3),
      acknowledgements: fc.array(acknowledgement, { maxLength: 4 }),
    }),
  ],
  [2, action("stop", { order: pick, caller: entitled })],
  [6, action("close", { order: pick, caller: from(...PEOPLE) })],
  [2, action("transferOrder", { order: pick, caller: entitled, from: entitled, to: someone })],
  [1, action("approveOrder", { order: pick, caller: entitled, to: someone })],
];

const writeOff = action("writeOff", {
  caller: from(...PEOPLE),
  asset: sometimes(fc.constant("lot"), from<AssetName>("usd", "dai", "aux", "tft"), 8),
  roundOffset: sometimes(fc.constant(0), from(-1, 1), 10),
});

const buyback: [number, fc.Arbitrary<Action>][] = [
  [5, action("burn", { caller: from(...PEOPLE), roundOffset: sometimes(fc.constant(0), from(-1, 1), 10) })],
  [
    14,
    action("buy", {
      buyer: sometimes(from("bidder", "treasury", "renter0"), from(...PEOPLE), 15),
      asset: sometimes(fc.constant("lot"), from<AssetName>("usd", "dai", "aux", "tft"), 8),
      share: fc.oneof(
        { weight: 2, arbitrary: fc.integer({ min: 0, max: 10_000 }) },
        { weight: 3, arbitrary: from<number | "all but 1 %">(10_000, "all but 1 %", "all but 1 %") },
      ),
      extra: fc.bigInt(0n, 2n),
      roundOffset: sometimes(fc.constant(0), from(-1, 1), 15),
      limit: sometimes(from("any", "exact"), fc.constant("below"), 10),
      to: someone,
    }),
  ],
  [1, writeOff],
  [8, action("claim", { miner: sometimes(from(...MINERS), from(...PEOPLE), 5), buckets, to: someone })],
  [4, action("claimFor", { caller: from(...PEOPLE), miner: sometimes(from(...MINERS), from(...PEOPLE), 5), buckets })],
  [1, action("setRecipient", { miner: from(...MINERS), to: someone })],
  [2, action("payOperations", { caller: from(...PEOPLE) })],
];

const nodes: [number, fc.Arbitrary<Action>][] = [
  [
    3,
    action("registerNode", {
      owner: sometimes(from(...MINERS), from(...PEOPLE)),
      gpuModel: from(...MODELS),
      gpuCount: sometimes(fc.bigInt(1n, 64n), from(0n, 1_024n, 1_025n)),
      payout: someone,
    }),
  ],
  [
    5,
    action("attestNode", {
      node: pick,
      from: from("now", "lapse"),
      seconds: sometimes(
        fc.integer({ min: Number(HOUR), max: MAX_ATTESTATION }),
        from(-1, 0, 1, MAX_ATTESTATION, MAX_ATTESTATION + 1),
        4,
      ),
      flaw,
    }),
  ],
  [
    1,
    action("attestRating", {
      gpuModel: from("H100", "A100", "V100"),
      imagesPerSecondE3: fc.array(sometimes(fc.bigInt(1n, 4_000_000n), from(0n, 2n ** 32n - 1n), 40), {
        minLength: 7,
        maxLength: 7,
      }),
      flaw,
    }),
  ],
  [1, action("setPayout", { node: pick, caller: entitled, payout: someone })],
  [1, action("setMetadataURI", { node: pick, caller: entitled })],
  [1, action("transferNode", { node: pick, caller: entitled, to: someone })],
  [1, action("acceptNode", { node: pick, caller: entitled })],
];

const powers: [number, fc.Arbitrary<Action>][] = [
  [1, action("veto", { root: pick, caller: entitled })],
  [1, action("revokeNode", { node: pick, caller: entitled })],
  [1, action("vetoRating", { gpuModel: from("H100", "A100", "V100"), caller: entitled })],
  [1, action("freeze", { caller: entitled })],
  [2, action("thaw", { caller: entitled })],
  [
    1,
    action("setSigners", {
      caller: entitled,
      members: fc.oneof(
        { weight: 3, arbitrary: fc.constant(SIGNERS.slice(0, 4)) },
        { weight: 2, arbitrary: fc.shuffledSubarray(SIGNERS, { minLength: 3 }) },
      ),
      quorum: fc.integer({ min: 2, max: 6 }),
      order: sometimes(fc.constant("ascending"), fc.constant("descending"), 8),
    }),
  ],
  [1, action("setGuardian", { caller: entitled, guardian: from("guardian", "stranger", "guardian", "zero") })],
  [
    1,
    asset.chain((name) =>
      action("listAsset", {
        caller: entitled,
        asset: fc.constant(name),
        referencePrice: fc.oneof(
          fc.constant(0n),
          fc.constant(0n),
          fc.bigInt(1n, 10n ** 24n),
          from(10n ** 9n - 1n, 10n ** 9n, 10n ** 27n, 10n ** 27n + 1n),
        ),
      }),
    ),
  ],
  [1, action("delistAsset", { caller: entitled, asset })],
  [1, action("setOperations", { caller: entitled, treasury: someone, share: from(1_000n, 0n, 333n, 2_000n, 2_001n) })],
];

const tokens: [number, fc.Arbitrary<Action>][] = [
  [1, action("transferToken", { asset, from: from(...PEOPLE), to: someone, amount: fc.bigInt(0n, 10n ** 24n) })],
  [
    1,
    action("approveToken", {
      asset,
      owner: from(...PAYERS),
      spender: from("escrow", "controller"),
      amount: from(MaxUint256, MaxUint256, 10n ** 20n, 10n ** 9n),
    }),
  ],
  [
    1,
    action("trespass", {
      caller: from(...PEOPLE, "governor"),
      entry: from<Entry>(
        "tft.burn",
        "vault.release",
        "registry.reserve",
        "pool.addWeights",
        "pool.addReward",
        "controller.createAuction",
        "escrow.setFreeze",
      ),
    }),
  ],
  [4, fc.constant<Action>({ do: "wait" })],
];

const anyAction = fc.oneof(
  ...[...market, ...buyback, ...nodes, ...powers, ...tokens].map(([weight, arbitrary]) => ({ weight, arbitrary })),
);

/** Thirty periods on, so that a lot left alone is old enough. */
const whenOld: fc.Arbitrary<When> = fc.record({
  at: fc.constant("writeOff" as const),
  pick: fc.constant(0),
  offset: sometimes(fc.constant(0), from(-1, 1), 3),
});

const step: fc.Arbitrary<ModelStep> = sometimes(
  fc.record({ when, action: anyAction }),
  fc.record({ when: whenOld, action: writeOff }),
  90,
);

/** Sequences of half as many to so many steps. */
export function stepsUpTo(length: number): fc.Arbitrary<ModelStep[]> {
  return fc.array(step, { minLength: Math.ceil(length / 2), maxLength: length, size: "max" });
}
