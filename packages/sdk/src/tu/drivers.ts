import { GENESIS_RATINGS, gpuModelOf } from "./rating.js";

/** Version of the tables below. A change of what a name stands for gets another version, in docs/tu.md too. */
export const DRIVER_NAMES_VERSION = 2;

/**
 * Cards that drivers call by other names than the registry, beside the brands that `modelNameOf` takes off. A V100S, a
 * V100-FHHL and a V100-DGXS are not among them: they are other boards with clocks of their own.
 */
const DRIVER_NAMES: ReadonlyMap<string, readonly string[]> = new Map([
  [
    "V100",
    [
      "Tesla V100-PCIE-16GB",
      "Tesla V100-PCIE-32GB",
      "Tesla V100-SXM2-16GB",
      "Tesla V100-SXM2-32GB",
      "Tesla V100-SXM3-32GB",
    ],
  ],
]);

/** Cards by their driver's name without the brand, so that a hand that writes "rtx3090" means the same card. */
const CARDS: readonly string[] = [
  ...Object.keys(GENESIS_RATINGS),
  ...["GTX 1060 3GB", "GTX 1060 6GB", "GTX 1070", "GTX 1070 Ti", "GTX 1080", "TITAN X (Pascal)"],
  ...["GTX 1650", "GTX 1660", "GTX 1660 SUPER", "GTX 1660 Ti", "RTX 2060", "RTX 2060 SUPER"],
  ...["RTX 2070", "RTX 2070 SUPER", "RTX 2080 SUPER", "Quadro RTX 5000", "Quadro RTX 6000", "Quadro RTX 8000"],
  ...["RTX 3060", "RTX 3060 Ti", "RTX 3070", "RTX 3070 Ti", "RTX 3080", "RTX 3080 Ti", "RTX 3090", "RTX 3090 Ti"],
  ...["RTX 4060", "RTX 4060 Ti", "RTX 4070", "RTX 4070 Ti", "RTX 4080", "RTX 4090"],
  ...["RTX 5070", "RTX 5070 Ti", "RTX 5080", "RTX 5090"],
  ...["Tesla K80", "Tesla P4", "Tesla P40", "Tesla P100-PCIE-12GB", "Tesla P100-PCIE-16GB", "Tesla P100-SXM2-16GB"],
  ...["Tesla T4", "Tesla V100S-PCIE-32GB", "RTX A4000", "RTX A5000", "RTX A6000", "A10", "A30", "A40"],
  ...["A100-PCIE-40GB", "A100-SXM4-40GB", "A100-SXM4-80GB", "A100 80GB PCIe"],
  ...["L4", "L40", "L40S", "H100 PCIe", "H100 80GB HBM3", "H200"],
  ...["Radeon VII", "Radeon Pro VII", "Radeon Instinct MI50", "Radeon Instinct MI60"],
  ...["Radeon RX 470", "Radeon RX 480", "Radeon RX 570", "Radeon RX 580", "Radeon RX 590"],
  ...["Radeon RX Vega 56", "Radeon RX Vega 64"],
];

/** Cards with AMD's Vega 20 (LLVM, AMDGPUUsage, gfx906). */
const VEGA_20 = ["Radeon VII", "Radeon Pro VII", "Radeon Instinct MI50", "Radeon Instinct MI60"];

/** Chips by the name that AMD's ROCm gives for a device, and the cards that each is on. */
const CHIPS: ReadonlyMap<string, readonly string[]> = new Map([
  ["vega 20", VEGA_20],
  ["gfx906", VEGA_20],
]);

/** Names of chips and of the interfaces of Apple and Microsoft, none of which tells the card. */
const CHIP_NAME =
  /\[|^(?:Vega|Ellesmere|Baffin|Polaris|Fiji|Tonga|Hawaii|Arcturus|Aldebaran|Navi ?\d|gfx\d|Device [\da-f]{4}$|METAL$|DML$)/i;

/** Names that drivers give when they know none, and names of a part of a processor. */
const NO_CARD =
  /^(?:|(?:Graphics|Physical|Unknown)? ?(?:Device|GPU|XPU|CPU)|\W*(?:undefined|unknown|none|null|n\/a|error|unknown error|not supported)\W*|NVIDIA|AMD|Intel|GeForce|Radeon|Quadro|Tesla|GRID|Apple M\d.*|(?!.*\bA\d{3}M?\b).*\bGraphics(?: \w+)?|llvmpipe.*|Microsoft Basic Render Driver|__proto__)$/i;

/** Names of slices: MIG, and the profiles of NVIDIA's virtual GPUs. A GRID K1, K2, K340 or K520 is a card. */
const SLICE = /\bMIG\b|-\d{1,3}(?:-\d{1,3})?[ABCQ](?:\d|ME)?$|^GRID (?!K(?:1|2|340|520)$)/i;

/** Memory of listed cards in GB, for those whose name does not tell it; the least, if there are several. */
const MEMORY_GB: ReadonlyMap<string, number> = new Map(
  Object.entries({
    4: ["GTX 1650"],
    6: ["GTX 1660", "GTX 1660 SUPER", "GTX 1660 Ti", "RTX 2060"],
    8: [
      ...["GTX 1070", "GTX 1070 Ti", "GTX 1080", "RTX 2060 SUPER", "RTX 2070", "RTX 2070 SUPER", "RTX 2080"],
      ...[
        "RTX 2080 SUPER",
        "RTX 3060",
        "RTX 3060 Ti",
        "RTX 3070",
        "RTX 3070 Ti",
        "RTX 4060",
        "RTX 4060 Ti",
        "Tesla P4",
      ],
    ],
    10: ["RTX 3080"],
    11: ["GTX 1080 Ti", "RTX 2080 Ti"],
    12: ["Titan XP", "TITAN X (Pascal)", "Titan V", "RTX 3080 Ti", "RTX 4070", "RTX 4070 Ti", "RTX 5070", "Tesla K80"],
    16: ["V100", "Tesla T4", "RTX A4000", "Quadro RTX 5000", "RTX 4080", "RTX 5070 Ti", "RTX 5080", "Radeon VII"],
    24: [
      ...["Titan RTX", "RTX 3090", "RTX 3090 Ti", "RTX 4090", "RTX A5000", "Quadro RTX 6000", "Tesla P40"],
      ...["A10", "A30", "L4"],
    ],
    32: ["RTX 5090"],
    48: ["Quadro RTX 8000", "RTX A6000", "A40", "L40", "L40S"],
    80: ["H100 PCIe"],
    141: ["H200"],
  }).flatMap(([gigabytes, cards]) => cards.map((card) => [card, Number(gigabytes)] as const)),
);

/** The least share of a card's memory that TensorFlow gets on a whole card. */
const LEAST_MEMORY = 0.6;

/** Characters that cannot be seen, or look like a blank. */
const INVISIBLE = /[^\S ]|[\p{C}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** Quotation marks around a name. */
const QUOTED = /^["'`\u2018-\u201f\u00ab\u00bb]|["'`\u2018-\u201f\u00ab\u00bb]$/;

/** Brands before a card's name; "Tesla" belongs to the name. */
const BRANDS = /^(?:(?:NVIDIA|AMD|GeForce) +)+/;

const CARD_OF_KEY: ReadonlyMap<string, string> = new Map([
  ...CARDS.map((card) => [cardKeyOf(card), card] as const),
  ...[...DRIVER_NAMES].flatMap(([card, names]) => names.map((name) => [cardKeyOf(name), card] as const)),
]);

/**
 * Returns the name under which a card is rated, by what its driver calls it: without the brand, a card of the table as
 * the table spells it. "NVIDIA GeForce RTX 2080 Ti" is "RTX 2080 Ti", "TITAN Xp" is "Titan XP", "Tesla V100-SXM2-16GB"
 * is "V100". AMD's series is part of the name: "RX 6800" is "Radeon RX 6800".
 */
export function modelNameOf(device: string): string {
  return CARD_OF_KEY.get(cardKeyOf(device)) ?? unbranded(device).replace(/^RX (?=\d)/i, "Radeon RX ");
}

/** Returns a driver's name without the brand that newer drivers put before it. */
export function unbranded(device: string): string {
  return device.trim().replace(BRANDS, "");
}

/** Returns every spelling under which a registry may have rated the card, its own name first. */
export function spellingsOf(card: string): string[] {
  const names = [card, ...(DRIVER_NAMES.get(card) ?? [])].flatMap((name) => [
    name,
    name.replace(/^(?:Tesla |Radeon (?=RX|Instinct))/, ""),
  ]);
  const brands = ["", "NVIDIA ", "GeForce ", "NVIDIA GeForce ", "Tesla ", "AMD "];
  return [...new Set(names.flatMap((name) => brands.map((brand) => `${brand}${name}`)))];
}

let cardOfHash: ReadonlyMap<string, string> | undefined;

/** Returns the card that a registry knows under a hash, by the spellings of every card that is listed here. */
export function cardOfModel(gpuModel: string): string | undefined {
  cardOfHash ??= new Map(CARDS.flatMap((card) => spellingsOf(card).map((name) => [gpuModelOf(name), card] as const)));
  return cardOfHash.get(gpuModel);
}

/** A reason why nothing is rated under a name. */
export interface CardProblem {
  fault: "unknown GPU" | "part of a GPU" | "ambiguous GPU";
  reason: string;
}

/**
 * Tells why a driver's name is not a card's, or why the card that the user names cannot be the one; undefined when the
 * name is a card's, or the chip is on the named card.
 */
export function problemOfCard(device: string, named?: string): CardProblem | undefined {
  const name = unbranded(device);
  if (INVISIBLE.test(device)) {
    const shown = JSON.stringify(device.replace(new RegExp(INVISIBLE, "gu"), "\ufffd"));
    return {
      fault: "unknown GPU",
      reason: `${shown} has characters that cannot be seen; write the card's name without`,
    };
  }
  if (QUOTED.test(device)) {
    return { fault: "unknown GPU", reason: `${device} has quotation marks; write the card's name without` };
  }
  if (NO_CARD.test(name)) return { fault: "unknown GPU", reason: `"${name}" is not a card's name` };
  if (SLICE.test(name)) return { fault: "part of a GPU", reason: `"${name}" is a part of a card; rate the whole card` };
  if (!isChipName(device)) return undefined;

  const cards = cardsWith(name);
  const list = cards.join(", ");
  if (cards.length === 0) {
    const advice = "rate the card under a driver that tells its name";
    return { fault: "ambiguous GPU", reason: `the driver does not tell the card, only "${name}"; ${advice}` };
  }
  if (named === undefined) {
    const advice = "name the card, for a log with --gpu";
    return {
      fault: "ambiguous GPU",
      reason: `"${name}" does not tell the card: several have that chip (${list}); ${advice}`,
    };
  }
  if (cardOnChip(name, named) !== undefined) return undefined;
  const reason = `"${name}" is not what a driver calls a ${modelNameOf(named)}; name one of ${list}`;
  return { fault: "ambiguous GPU", reason };
}

/** Tells why a name is not a card's, as `problemOfCard`. */
export function whyNoCard(device: string, named?: string): string | undefined {
  return problemOfCard(device, named)?.reason;
}

/**
 * Tells that TensorFlow got too little of a listed card's memory for a whole card: a virtual GPU may keep the card's name.
 * @param memory in MB
 */
export function partOfCard(device: string, memory: number | undefined): CardProblem | undefined {
  const card = modelNameOf(device);
  if (memory === undefined || !CARD_OF_KEY.has(cardKeyOf(device))) return undefined;
  const told = /(\d+) ?GB\b/.exec(device)?.[1];
  const gigabytes = told === undefined ? MEMORY_GB.get(card) : Number(told);
  if (gigabytes === undefined || memory >= LEAST_MEMORY * gigabytes * 1_024) return undefined;
  const reason = `TensorFlow got ${memory} MB of a ${unbranded(device)}, which has ${gigabytes} GB: a part of a card`;
  return { fault: "part of a GPU", reason: `${reason}, or one that is in use; rate the whole card` };
}

/** Returns the name under which a device is rated: by its driver, or by the user if the driver tells only the chip. */
export function cardOf(device: string, named: string | undefined): string {
  const card = named === undefined ? undefined : cardOnChip(unbranded(device), named);
  return card ?? modelNameOf(device);
}

/** Checks whether a driver's name is a chip's, which is on several cards. */
export function isChipName(device: string): boolean {
  return CHIP_NAME.test(unbranded(device));
}

/** Returns a key that all spellings of a name share: neither case nor brand nor separators count. */
export function cardKeyOf(name: string): string {
  const key = name
    .normalize("NFKC")
    .toLowerCase()
    .replace(/\b(?:nvidia|amd|geforce|tesla)\b|\((?:tm|r)\)/g, "")
    .replace(/[^\p{L}\p{N}]/gu, "");
  return key.replace(/^radeon(?=rx|instinct)/, "");
}

/** Returns the card that the user names, as it is rated, if the chip is on it. */
function cardOnChip(chip: string, named: string): string | undefined {
  return cardsWith(chip).find((card) => cardKeyOf(card) === cardKeyOf(named));
}

/** Returns the cards that a chip is on: by the table, or as "Ellesmere [Radeon RX 470/480/570/580]" lists them. */
function cardsWith(chip: string): readonly string[] {
  const listed = /\[([^\]]*)\]/.exec(chip)?.[1];
  if (listed === undefined) return CHIPS.get(chip.toLowerCase()) ?? [];
  const [first, ...others] = listed.split("/").map((card) => card.trim());
  // the others share the words before the first card's number, or all but its last word
  const series = /^(.*?)\b\d/.exec(first)?.[1] ?? first.replace(/\S+$/, "");
  return [first, ...others.map((card) => `${series}${card}`)].map(modelNameOf);
}
