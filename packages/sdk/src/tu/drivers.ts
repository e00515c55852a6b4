import { GENESIS_RATINGS } from "./rating.js";

/** Version of the tables below. A change of what a name stands for gets another version, in docs/tu.md too. */
export const DRIVER_NAMES_VERSION = 1;

/**
 * Cards that drivers call by other names than the registry, beside the brands that `modelNameOf` takes off. A V100S, a
 * V100-FHHL and a V100-DGXS are not among them: they are other boards with clocks of their own.
 */
const DRIVER_NAMES: Readonly<Record<string, readonly string[]>> = {
  V100: [
    "Tesla V100-PCIE-16GB",
    "Tesla V100-PCIE-32GB",
    "Tesla V100-SXM2-16GB",
    "Tesla V100-SXM2-32GB",
    "Tesla V100-SXM3-32GB",
  ],
};

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
];

/** Chips by the name that AMD's ROCm gives for a device, and the cards that each is on (LLVM, AMDGPUUsage, gfx906). */
const CHIPS: Readonly<Record<string, readonly string[]>> = {
  "Vega 20": ["Radeon VII", "Radeon Pro VII", "Radeon Instinct MI50", "Radeon Instinct MI60"],
};

/** Names of chips, of unknown devices and of the interfaces of Apple and Microsoft, none of which tells the card. */
const CHIP_NAME =
  /\[|^(?:Vega|Ellesmere|Baffin|Polaris|Fiji|Tonga|Hawaii|Arcturus|Aldebaran|Navi ?\d|gfx\d|Device [\da-f]{4}$|METAL$|DML$)/i;

/** Brands before a card's name; "Tesla" belongs to the name. */
const BRANDS = /^(?:(?:NVIDIA|AMD|GeForce) +)+/;

const CARD_OF_KEY: ReadonlyMap<string, string> = new Map([
  ...CARDS.map((card) => [keyOf(card), card] as const),
  ...Object.entries(DRIVER_NAMES).flatMap(([card, names]) => names.map((name) => [keyOf(name), card] as const)),
]);

/**
 * Returns the name under which a card is rated, by what its driver calls it: without the brand, a card of the table as
 * the table spells it. "NVIDIA GeForce RTX 2080 Ti" is "RTX 2080 Ti", "TITAN Xp" is "Titan XP", "Tesla V100-SXM2-16GB"
 * is "V100".
 */
export function modelNameOf(device: string): string {
  return CARD_OF_KEY.get(keyOf(device)) ?? unbranded(device);
}

/** Returns a driver's name without the brand that newer drivers put before it. */
export function unbranded(device: string): string {
  return device.trim().replace(BRANDS, "");
}

/** Returns every spelling under which a registry may have rated the card, its own name first. */
export function spellingsOf(card: string): string[] {
  const names = [card, ...(DRIVER_NAMES[card] ?? [])].flatMap((name) => [name, name.replace(/^Tesla /, "")]);
  const brands = ["", "NVIDIA ", "GeForce ", "NVIDIA GeForce ", "Tesla ", "AMD "];
  return [...new Set(names.flatMap((name) => brands.map((brand) => `${brand}${name}`)))];
}

/**
 * Tells why a driver's name is not a card's, or why the card that the user names cannot be the one; undefined when the
 * name is a card's, or the chip may be on the named card.
 */
export function whyNoCard(device: string, named?: string): string | undefined {
  const chip = unbranded(device);
  if (!isChipName(device)) return undefined;
  const cards = CHIPS[chip];
  if (named === undefined) {
    const examples = cards === undefined ? "" : ` (${cards.join(", ")})`;
    return `"${chip}" does not tell the card: several have that chip${examples}; name the card, for a log with --gpu`;
  }
  const card = modelNameOf(named);
  return canBe(chip, card) ? undefined : `"${chip}" is not what a driver calls a ${card}; name the card that it is`;
}

/** Checks whether a driver's name is a chip's, which is on several cards. */
export function isChipName(device: string): boolean {
  return CHIP_NAME.test(unbranded(device));
}

function canBe(chip: string, card: string): boolean {
  // a card of the tables of NVIDIA's has a driver that tells its name
  if (isChipName(card) || CARD_OF_KEY.has(keyOf(card))) return false;
  if (CHIPS[chip] !== undefined) return CHIPS[chip].includes(card);
  // "Ellesmere [Radeon RX 470/480/570/580]" lists its cards
  const listed = /\[(.*)\]/.exec(chip)?.[1];
  return listed === undefined || wordsOf(card).every((word) => wordsOf(listed).includes(word));
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().split(/[\s/]+/);
}

/** Returns a key that all spellings of a name share: neither case nor brand nor separators count. */
function keyOf(name: string): string {
  return name
    .toLowerCase()
    .replace(/\b(?:nvidia|amd|geforce|tesla)\b|\((?:tm|r)\)/g, "")
    .replace(/[^a-z0-9]/g, "");
}
