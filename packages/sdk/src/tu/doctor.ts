import { isChipName, modelNameOf, unbranded } from "./drivers.js";
import { NETWORKS } from "./rating.js";
import { commandsOf, pinned, type Recipe, recipesFor } from "./recipes.js";

/** Runs a program of the machine and returns what it prints, or undefined if there is none or it fails. */
export type Probe = (program: string, args: readonly string[]) => string | undefined;

/** A card of the machine. */
export interface DiagnosedCard {
  /** As nvidia-smi counts. */
  index: number;
  /** Its name by the driver, without the brand. */
  device: string;
  /** The name under which it is rated. */
  card: string;
  /** CUDA's compute capability, if the driver tells it or the name does. */
  capability: number | undefined;
  /** The container to rate it in. */
  recipe: Recipe | undefined;
  /** Says what is in the way, and what to do. */
  problems: string[];
}

/** The state of a machine, as far as a rating depends on it. */
export interface Diagnosis {
  driver: string | undefined;
  /** The newest CUDA that the driver takes. */
  cuda: string | undefined;
  /** The version of TensorFlow outside of any container. */
  tensorflow: string | undefined;
  cards: DiagnosedCard[];
  problems: string[];
}

/** Compute capabilities of cards whose drivers may be too old to tell (NVIDIA, "Your GPU Compute Capability"). */
const CAPABILITIES: readonly (readonly [RegExp, number])[] = [
  [/K80/, 3.7],
  [/^GTX 9\d\d|^GTX TITAN X/, 5.2],
  [/P100/, 6.0],
  [/^GTX 10\d\d|^TITAN X|^Titan XP|P40?$/, 6.1],
  [/V100|^Titan V$/, 7.0],
  [/^GTX 16\d\d|^RTX 20\d\d|^Titan RTX|^Quadro RTX|T4$/, 7.5],
  [/^A100|^A30$/, 8.0],
  [/^RTX 30\d\d|^RTX A\d000|^A10$|^A40$/, 8.6],
];

/** Ampere: of newer cards, published answers about TensorFlow 1 contradict each other. */
const LAST_CONFIRMED_CAPABILITY = 8.6;

const QUERY = ["--format=csv,noheader"];

/** Looks at a machine and finds out how each of its cards can be rated. */
export function diagnose(probe: Probe): Diagnosis {
  const smi = probe("nvidia-smi", []);
  const driver = /Driver Version: *([\d.]+)/.exec(smi ?? "")?.[1];
  const cuda = /CUDA Version: *([\d.]+)/.exec(smi ?? "")?.[1];
  // older drivers do not know compute_cap and answer with an error
  const table =
    probe("nvidia-smi", ["--query-gpu=index,name,compute_cap", ...QUERY]) ??
    probe("nvidia-smi", ["--query-gpu=index,name", ...QUERY]);
  const python = ["-c", "import tensorflow; print(tensorflow.__version__)"];
  const tensorflow = (probe("python3", python) ?? probe("python", python))?.trim().split("\n").at(-1);

  const nvidia = linesOf(table).map((line) =>
    nvidiaCard(
      line.split(",").map((cell) => cell.trim()),
      driver,
    ),
  );
  const amd = linesOf(probe("rocm-smi", ["--showproductname"])).flatMap((line) => {
    const [, index, device] = /GPU\[(\d+)\].*Card series: *(.+)$/i.exec(line) ?? [];
    return device === undefined ? [] : [amdCard(Number(index), device)];
  });
  const cards = [...nvidia, ...amd];
  const problems: string[] = [];
  if (cards.length === 0) problems.push("No card was found: nvidia-smi and rocm-smi print none; install the driver");
  if (probe("docker", ["--version"]) === undefined) {
    problems.push("docker was not found; install it, and for NVIDIA's cards the NVIDIA Container Toolkit");
  }
  return { driver, cuda, tensorflow, cards, problems };
}

/** Returns a diagnosis to read: what was found, what is in the way, and the commands to run. */
export function formatDiagnosis({ driver, cuda, tensorflow, cards, problems }: Diagnosis): string {
  return [
    `Driver:      ${driver ?? "not found"}`,
    `CUDA:        ${cuda === undefined ? "not found" : `up to ${cuda}`}`,
    `TensorFlow:  ${tensorflow ?? "not found"}; a container brings its own`,
    ...problems.map((problem) => `Problem:     ${problem}`),
    ...cards.flatMap(cardLines),
  ].join("\n");
}

function cardLines({ index, device, card, capability, recipe, problems }: DiagnosedCard): string[] {
  const name = card === device ? card : `${card} (the driver calls it "${device}")`;
  const head = ["", `Card ${index}: ${name}, compute capability ${capability?.toFixed(1) ?? "unknown"}`];
  const told = problems.map((problem) => `Problem: ${problem}`);
  if (recipe === undefined) return [...head, ...told];
  const what = recipe.networks.length === NETWORKS.length ? "All seven networks" : "A partial rating";
  return [
    ...head,
    ...told,
    `${what}, in ${pinned(recipe)} (TensorFlow ${recipe.tensorflow}):`,
    ...commandsOf(recipe, index).map((command) => `  ${command}`),
  ];
}

function nvidiaCard([index, name, told]: string[], driver: string | undefined): DiagnosedCard {
  const device = unbranded(name);
  const card = modelNameOf(name);
  const capability =
    told === undefined ? CAPABILITIES.find(([pattern]) => pattern.test(card))?.[1] : Number.parseFloat(told);
  const base = { index: Number(index), device, card, capability, recipe: undefined };
  if (capability === undefined || Number.isNaN(capability)) {
    const advice = "find the card in the table of docs/tu.md, or update the driver";
    return { ...base, capability: undefined, problems: [`The driver does not tell the compute capability; ${advice}`] };
  }

  const major = driver === undefined ? undefined : Number.parseInt(driver, 10);
  const [recipe] = recipesFor(capability, major);
  if (recipe !== undefined) return { ...base, recipe, problems: problemsOf(recipe, capability) };
  const needed = Math.min(...recipesFor(capability, undefined).map((each) => each.driver ?? Infinity));
  return {
    ...base,
    problems: [
      Number.isFinite(needed)
        ? `Driver ${driver} is too old for every image: update it to ${needed} or newer`
        : `No published image of TensorFlow is known for compute capability ${capability.toFixed(1)}`,
    ],
  };
}

function problemsOf({ tensorflow, networks }: Recipe, capability: number): string[] {
  if (networks.length < NETWORKS.length) {
    return [
      `SSD300 needs TensorFlow 1, which no image has for this card: under ${tensorflow} six networks at most are rated`,
      "Whether tf_cnn_benchmarks runs under this TensorFlow is not known from published material",
    ];
  }
  const isConfirmed = capability <= LAST_CONFIRMED_CAPABILITY;
  return isConfirmed ? [] : ["Whether this image runs on this card is not confirmed by published material"];
}

function amdCard(index: number, device: string): DiagnosedCard {
  const problems = ["No image is pinned for AMD's cards; try one of rocm/tensorflow with TensorFlow 1.15"];
  if (isChipName(device)) problems.push("The driver tells only the chip: name the card when its logs are read");
  return {
    index,
    device: unbranded(device),
    card: modelNameOf(device),
    capability: undefined,
    recipe: undefined,
    problems,
  };
}

function linesOf(text: string | undefined): string[] {
  return (text ?? "").split(/\r?\n/).filter((line) => line.trim() !== "");
}
