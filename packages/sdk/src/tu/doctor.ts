import { modelNameOf, problemOfCard, unbranded } from "./drivers.js";
import { NETWORKS } from "./rating.js";
import { commandsOf, compareVersions, pinned, type Recipe, recipesFor } from "./recipes.js";

/** The outcome of a program: its status is null if it was stopped, as one that hangs is. */
export interface Probed {
  status: number | null;
  output: string;
  errors: string;
}

/** Runs a program of the machine and returns what came of it, or undefined if there is none. */
export type Probe = (program: string, args: readonly string[]) => Probed | undefined;

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

/** Lines of a program's own that a problem quotes. */
const MAX_WORDS = 3;

/** A card by nvidia-smi: index, name, compute capability. */
type CardRow = [index: string, name: string, capability: string | undefined];

/** Ampere: of newer cards, published answers about TensorFlow 1 contradict each other. */
const LAST_CONFIRMED_CAPABILITY = 8.6;

/** Programs that a diagnosis asks. */
export const PROBED_PROGRAMS: readonly string[] = ["nvidia-smi", "rocm-smi", "docker", "python3", "python"];

/** A line of nvidia-smi's table of cards: index, name and, by newer drivers, compute capability. */
const CARD_LINE = /^(\d+), *([^,[]+?) *(?:, *([^,]*?) *)?$/;

/** Looks at a machine and finds out how each of its cards can be rated. */
export function diagnose(probe: Probe): Diagnosis {
  const smi = probe("nvidia-smi", []);
  const driver = /Driver Version: *([\d.]+)/.exec(smi?.output ?? "")?.[1];
  const cuda = /CUDA Version: *([\d.]+)/.exec(smi?.output ?? "")?.[1];
  const nvidia = nvidiaCards(probe, driver);
  const amd = linesOf(probe("rocm-smi", ["--showproductname"])?.output).flatMap((line) => {
    const [, index, device] = /GPU\[(\d+)\].*Card series: *(.+)$/i.exec(line) ?? [];
    return device === undefined ? [] : [amdCard(Number(index), device.trim())];
  });
  const cards = [...nvidia.cards, ...amd];

  const failed = smi !== undefined && smi.status !== 0 ? [failureOf("nvidia-smi", smi)] : nvidia.problems;
  const problems = [...failed];
  if (cards.length === 0) problems.push("No card was found: nvidia-smi and rocm-smi print none; install the driver");
  if (probe("docker", ["--version"])?.status !== 0) {
    problems.push("docker was not found; install it, and for NVIDIA's cards the NVIDIA Container Toolkit");
  }
  return { driver, cuda, tensorflow: tensorflowOf(probe), cards, problems };
}

/** Asks nvidia-smi for its cards. Those that it prints count, also if it fails for another. */
function nvidiaCards(probe: Probe, driver: string | undefined): Pick<Diagnosis, "cards" | "problems"> {
  const query = (fields: string) => probe("nvidia-smi", [`--query-gpu=${fields}`, "--format=csv,noheader"]);
  const rowsOf = (answer: Probed | undefined) => linesOf(answer?.output).map((line) => CARD_LINE.exec(line.trim()));
  // older drivers do not know compute_cap and answer with an error
  const full = query("index,name,compute_cap");
  const isKnown = rowsOf(full).some((row) => row !== null);
  const answer = isKnown ? full : query("index,name");
  const rows = rowsOf(answer);
  const found = rows.flatMap((row) => (row === null ? [] : [row.slice(1) as CardRow]));
  const modes = new Map(
    found.length === 0
      ? []
      : rowsOf(query("index,mig.mode.current")).flatMap((row) => (row === null ? [] : [[row[1], row[2]] as const])),
  );
  const cards = found.map((row) => withMig(nvidiaCard(row, driver), modes.get(row[0])));
  const isOdd = answer !== undefined && (answer.status !== 0 || rows.includes(null));
  return { cards, problems: isOdd ? [failureOf("nvidia-smi", answer)] : [] };
}

function withMig(card: DiagnosedCard, mode: string | undefined): DiagnosedCard {
  if (mode !== "Enabled") return card;
  const advice = `turn it off: nvidia-smi -i ${card.index} -mig 0`;
  return { ...card, problems: [...card.problems, `MIG is on, and a slice is not rated; ${advice}`] };
}

function tensorflowOf(probe: Probe): string | undefined {
  const args = ["-c", "import tensorflow; print(tensorflow.__version__)"];
  const versions = ["python3", "python"].map((program) => () => probe(program, args));
  for (const ask of versions) {
    const answer = ask();
    if (answer?.status === 0) return answer.output.trim().split("\n").at(-1);
  }
  return undefined;
}

/** Says that a program failed, in its own words. */
function failureOf(program: string, { status, output, errors }: Probed): string {
  const words = linesOf(`${errors}\n${output}`).filter((line) => !CARD_LINE.test(line.trim()));
  const how = status === null ? "was stopped, as it gave no answer in time" : status === 0 ? "says" : "failed";
  return [`${program} ${how}`, ...words.slice(0, MAX_WORDS).map((line) => line.trim())].join(
    how === "says" ? " " : ": ",
  );
}

/** Returns a diagnosis to read: what was found, what is in the way, and the commands to run. */
export function formatDiagnosis({ driver, cuda, tensorflow, cards, problems }: Diagnosis): string {
  return [
    `Driver:      ${driver ?? "not found"}`,
    `CUDA:        ${cuda === undefined ? "not found" : `up to ${cuda}`}`,
    `TensorFlow:  ${tensorflow ?? "not found"}; a container brings its own`,
    ...problems.map((problem) => `Problem:     ${problem}`),
    ...cards.flatMap(cardLines),
    ...(cards.length > 1
      ? ["", "Each card has a folder of its own for its logs: two runs must never write one file."]
      : []),
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

function nvidiaCard([index, name, told]: CardRow, driver: string | undefined): DiagnosedCard {
  const device = unbranded(name);
  const card = modelNameOf(name);
  const capability =
    told === undefined ? CAPABILITIES.find(([pattern]) => pattern.test(card))?.[1] : Number.parseFloat(told);
  const base = { index: Number(index), device, card, capability, recipe: undefined };
  const problem = problemOfCard(name);
  if (problem !== undefined) {
    return { ...base, capability: undefined, problems: [`${problem.reason}; nothing is rated under it`] };
  }
  if (capability === undefined || Number.isNaN(capability)) {
    const advice = "find the card in the table of docs/tu.md, or update the driver";
    return { ...base, capability: undefined, problems: [`The driver does not tell the compute capability; ${advice}`] };
  }

  const [recipe] = recipesFor(capability, driver);
  if (recipe !== undefined) return { ...base, recipe, problems: problemsOf(recipe, capability) };
  const [needed] = recipesFor(capability, undefined)
    .flatMap((each) => each.driver ?? [])
    .sort(compareVersions);
  return {
    ...base,
    problems: [
      (needed as string | undefined) === undefined
        ? `No published image of TensorFlow is known for compute capability ${capability.toFixed(1)}`
        : `Driver ${driver} is too old for every image: update it to ${needed} or newer`,
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
  const problem = problemOfCard(device);
  if (problem !== undefined) problems.push(problem.reason);
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
