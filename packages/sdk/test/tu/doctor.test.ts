import { readFileSync } from "node:fs";
import path from "node:path";

import {
  commandsOf,
  diagnose,
  formatDiagnosis,
  NETWORKS,
  pinned,
  compareVersions,
  type Probe,
  type Probed,
  PROBED_PROGRAMS,
  RECIPES,
  recipesFor,
} from "@turingfog/sdk";
import { expect } from "chai";

const PAGE = readFileSync(path.join(__dirname, "../../../../docs/tu.md"), "utf8");

/** A machine whose programs print this; a program that is not named is not there. */
function machine(printed: Record<string, string | Probed>): Probe {
  return (program, args) => {
    const answer = printed[[program, ...args].join(" ")] as string | Probed | undefined;
    return typeof answer === "string" ? { status: 0, output: answer, errors: "" } : answer;
  };
}

const FORMAT = "--format=csv,noheader";
const HEADER = "| NVIDIA-SMI 535.54.03   Driver Version: 535.54.03    CUDA Version: 12.2     |";

/** A machine with one card of NVIDIA's. */
function nvidia(name: string, capability: string, driver = "535.54.03"): Probe {
  return machine({
    "nvidia-smi": HEADER.replaceAll("535.54.03", driver),
    [`nvidia-smi --query-gpu=index,name,compute_cap ${FORMAT}`]: `0, ${name}, ${capability}\n`,
    "docker --version": "Docker version 24.0.5",
  });
}

function imageFor(probe: Probe): string | undefined {
  return diagnose(probe).cards[0].recipe?.image;
}

describe("the doctor", () => {
  it("finds driver, CUDA, TensorFlow and the cards", () => {
    const probe = machine({
      "nvidia-smi": HEADER,
      [`nvidia-smi --query-gpu=index,name,compute_cap ${FORMAT}`]:
        "0, Tesla V100-SXM2-16GB, 7.0\n1, NVIDIA GeForce RTX 3090, 8.6\n",
      "docker --version": "Docker version 24.0.5",
      "python3 -c import tensorflow; print(tensorflow.__version__)": "a warning\n2.11.0\n",
    });
    const { driver, cuda, tensorflow, cards, problems } = diagnose(probe);
    expect([driver, cuda, tensorflow, problems]).to.deep.equal(["535.54.03", "12.2", "2.11.0", []]);
    expect(cards.map(({ index, device, card, capability }) => [index, device, card, capability])).to.deep.equal([
      [0, "Tesla V100-SXM2-16GB", "V100", 7],
      [1, "RTX 3090", "RTX 3090", 8.6],
    ]);
  });

  it("says what is missing on a machine without a card", () => {
    const { driver, cards, problems } = diagnose(() => undefined);
    expect([driver, cards]).to.deep.equal([undefined, []]);
    expect(problems).to.deep.equal([
      "No card was found: nvidia-smi and rocm-smi print none; install the driver",
      "docker was not found; install it, and for NVIDIA's cards the NVIDIA Container Toolkit",
    ]);
  });

  for (const [name, capability, driver, image] of [
    ["GeForce GTX 1080 Ti", "6.1", "440.33", "tensorflow/tensorflow:1.12.0-gpu-py3"],
    ["GeForce GTX 1080 Ti", "6.1", "384.81", "tensorflow/tensorflow:1.12.0-gpu-py3"],
    ["NVIDIA GeForce RTX 2080 Ti", "7.5", "535.54", "nvcr.io/nvidia/tensorflow:23.01-tf1-py3"],
    ["NVIDIA GeForce RTX 2080 Ti", "7.5", "460.32", "nvcr.io/nvidia/tensorflow:20.10-tf1-py3"],
    ["NVIDIA A100-SXM4-40GB", "8.0", "525.60", "nvcr.io/nvidia/tensorflow:23.01-tf1-py3"],
    ["NVIDIA H100 PCIe", "9.0", "550.54", "nvcr.io/nvidia/tensorflow:23.01-tf1-py3"],
    ["NVIDIA GeForce RTX 5090", "12.0", "570.86", "nvcr.io/nvidia/tensorflow:25.02-tf2-py3"],
  ]) {
    it(`sends a ${name} with driver ${driver} to ${image}`, () => {
      expect(imageFor(nvidia(name, capability, driver))).to.equal(image);
    });
  }

  it("tells the driver to update to when it is too old for every image", () => {
    const [{ recipe, problems }] = diagnose(nvidia("NVIDIA GeForce RTX 4090", "8.9", "515.65")).cards;
    expect(recipe).to.equal(undefined);
    expect(problems).to.deep.equal(["Driver 515.65 is too old for every image: update it to 525 or newer"]);
  });

  it("compares drivers in all their parts", () => {
    const [{ problems }] = diagnose(nvidia("GeForce GTX 1080 Ti", "6.1", "384.59")).cards;
    expect(problems).to.deep.equal(["Driver 384.59 is too old for every image: update it to 384.81 or newer"]);
    expect(compareVersions("384.59", "384.81")).to.be.below(0);
    expect(compareVersions("525", "525.0")).to.equal(0);
    expect(compareVersions("525.60.13", "525.60")).to.be.above(0);
    expect(compareVersions("1000.1", "525.60")).to.be.above(0);
  });

  it("says when no image is known for a card", () => {
    const [{ recipe, problems }] = diagnose(nvidia("GeForce GT 430", "2.1")).cards;
    expect(recipe).to.equal(undefined);
    expect(problems).to.deep.equal(["No published image of TensorFlow is known for compute capability 2.1"]);
  });

  it("says why a card that needs TensorFlow 2 is rated in part", () => {
    const [{ problems }] = diagnose(nvidia("NVIDIA B200", "10.0")).cards;
    expect(problems[0]).to.equal(
      "SSD300 needs TensorFlow 1, which no image has for this card: under 2.17 six networks at most are rated",
    );
  });

  it("says what is not confirmed for cards newer than Ampere", () => {
    const [ada] = diagnose(nvidia("NVIDIA L4", "8.9")).cards;
    expect(ada.problems).to.deep.equal(["Whether this image runs on this card is not confirmed by published material"]);
    const [ampere] = diagnose(nvidia("NVIDIA A40", "8.6")).cards;
    expect(ampere.problems).to.deep.equal([]);
  });

  it("knows a card by its name when the driver does not tell its compute capability", () => {
    const old = (name: string) =>
      machine({
        "nvidia-smi": HEADER.replaceAll("535.54.03", "440.33.01"),
        [`nvidia-smi --query-gpu=index,name ${FORMAT}`]: `0, ${name}\n`,
      });
    for (const [name, capability] of [
      ["GeForce GTX 1080 Ti", 6.1],
      ["TITAN Xp", 6.1],
      ["Tesla P100-PCIE-16GB", 6.0],
      ["Tesla V100-PCIE-16GB", 7.0],
      ["TITAN V", 7.0],
      ["TITAN RTX", 7.5],
      ["Tesla T4", 7.5],
      ["A100-PCIE-40GB", 8.0],
    ] as const) {
      expect(diagnose(old(name)).cards[0].capability, name).to.equal(capability);
    }
    const [unknown] = diagnose(old("Example 100")).cards;
    expect([unknown.capability, unknown.recipe]).to.deep.equal([undefined, undefined]);
    expect(unknown.problems[0]).to.contain("does not tell the compute capability");
  });

  for (const [name, problem] of [
    ["Graphics Device", '"Graphics Device" is not a card\'s name'],
    ["GRID V100-8C", '"GRID V100-8C" is a part of a card; rate the whole card'],
  ]) {
    it(`recommends nothing for a ${name}`, () => {
      const [{ recipe, problems }] = diagnose(nvidia(name, "7.0")).cards;
      expect(recipe).to.equal(undefined);
      expect(problems).to.deep.equal([`${problem}; nothing is rated under it`]);
    });
  }

  it("lists the cards that nvidia-smi printed before it failed, and says so in its words", () => {
    const words = "Unable to determine the device handle for GPU 0000:02:00.0: GPU is lost.";
    const failed = (output: string): Probed => ({ status: 15, output, errors: "" });
    const probe = machine({
      "nvidia-smi": failed(`${words}\nReboot the system to recover this GPU\n`),
      [`nvidia-smi --query-gpu=index,name,compute_cap ${FORMAT}`]: failed(`0, Tesla T4, 7.5\n${words}\n`),
      "docker --version": "Docker version 24.0.5",
    });
    const { cards, problems } = diagnose(probe);
    expect(cards.map(({ card }) => card)).to.deep.equal(["Tesla T4"]);
    expect(problems).to.deep.equal([`nvidia-smi failed: ${words}: Reboot the system to recover this GPU`]);
  });

  it("says what nvidia-smi printed instead of a card", () => {
    const probe = machine({
      "nvidia-smi": HEADER,
      [`nvidia-smi --query-gpu=index,name,compute_cap ${FORMAT}`]: "0, Tesla T4, 7.5\n1, [Unknown Error], 7.5\nlost\n",
      "docker --version": "Docker version 24.0.5",
    });
    const { cards, problems } = diagnose(probe);
    expect(cards.map(({ index }) => index)).to.deep.equal([0]);
    expect(problems).to.deep.equal(["nvidia-smi says 1, [Unknown Error], 7.5 lost"]);
  });

  it("takes no words for a card", () => {
    const words = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver";
    const failed: Probed = { status: 9, output: `${words}\n`, errors: "" };
    const probe: Probe = (program) => (program === "nvidia-smi" ? failed : undefined);
    const { cards, problems } = diagnose(probe);
    expect(cards).to.deep.equal([]);
    expect(problems[0]).to.equal(`nvidia-smi failed: ${words}`);
  });

  it("says that nvidia-smi gave no answer", () => {
    const stopped: Probed = { status: null, output: "", errors: "" };
    const { problems } = diagnose((program) => (program === "nvidia-smi" ? stopped : undefined));
    expect(problems[0]).to.equal("nvidia-smi was stopped, as it gave no answer in time");
  });

  it("notices that a card is in slices", () => {
    const probe = machine({
      "nvidia-smi": HEADER,
      [`nvidia-smi --query-gpu=index,name,compute_cap ${FORMAT}`]:
        "0, NVIDIA A100-SXM4-40GB, 8.0\n1, NVIDIA A100-SXM4-40GB, 8.0\n2, Tesla T4, 7.5\n",
      [`nvidia-smi --query-gpu=index,mig.mode.current ${FORMAT}`]: "0, Disabled\n1, Enabled\n2, [N/A]\n",
    });
    expect(diagnose(probe).cards.map(({ problems }) => problems)).to.deep.equal([
      [],
      ["MIG is on, and a slice is not rated; turn it off: nvidia-smi -i 1 -mig 0"],
      [],
    ]);
  });

  it("gives each of several cards a folder of its own, and says why", () => {
    const text = formatDiagnosis(
      diagnose(
        machine({
          "nvidia-smi": HEADER,
          [`nvidia-smi --query-gpu=index,name,compute_cap ${FORMAT}`]: "0, Tesla T4, 7.5\n1, Tesla T4, 7.5\n",
        }),
      ),
    );
    expect(text).to.contain('"$PWD/logs/card-0:/logs"').and.to.contain('"$PWD/logs/card-1:/logs"');
    expect(text).to.contain("two runs must never write one file");
  });

  it("asks no program that its list does not name", () => {
    const asked = new Set<string>();
    diagnose((program) => {
      asked.add(program);
      return undefined;
    });
    expect([...asked]).to.have.members(PROBED_PROGRAMS);
  });

  it("finds cards of AMD's, and says that a chip is not a card", () => {
    const probe = machine({
      "rocm-smi --showproductname": "GPU[0]\t\t: Card series: \t\tVega 20\nGPU[0]\t\t: Card vendor: x\n",
    });
    const [{ index, device, recipe, problems }, ...others] = diagnose(probe).cards;
    expect(others).to.deep.equal([]);
    expect([index, device, recipe]).to.deep.equal([0, "Vega 20", undefined]);
    expect(problems).to.deep.equal([
      "No image is pinned for AMD's cards; try one of rocm/tensorflow with TensorFlow 1.15",
      '"Vega 20" does not tell the card: several have that chip (Radeon VII, Radeon Pro VII, ' +
        "Radeon Instinct MI50, Radeon Instinct MI60); name the card, for a log with --gpu",
    ]);
  });

  it("prints what it found and the commands to run", () => {
    const text = formatDiagnosis(diagnose(nvidia("Tesla V100-SXM2-16GB", "7.0")));
    expect(text.split("\n").slice(0, 6)).to.deep.equal([
      "Driver:      535.54.03",
      "CUDA:        up to 12.2",
      "TensorFlow:  not found; a container brings its own",
      "",
      'Card 0: V100 (the driver calls it "Tesla V100-SXM2-16GB"), compute capability 7.0',
      "All seven networks, in tensorflow/tensorflow:1.12.0-gpu-py3 (TensorFlow 1.12):",
    ]);
    for (const command of commandsOf(RECIPES[0], 0)) expect(text).to.contain(`  ${command}`);
  });

  it("prints what is in the way", () => {
    const text = formatDiagnosis(diagnose(nvidia("NVIDIA B200", "10.0")));
    expect(text).to.contain("Problem: SSD300 needs TensorFlow 1");
    expect(text).to.contain("A partial rating, in nvcr.io/nvidia/tensorflow:25.02-tf2-py3@sha256:");
    expect(formatDiagnosis(diagnose(() => undefined))).to.contain("Problem:     docker was not found");
  });
});

describe("recipes", () => {
  it("run every network that they have with its data, on the card that was asked for", () => {
    for (const recipe of RECIPES) {
      const commands = commandsOf(recipe, 3);
      expect(commands[0]).to.contain("--gpus device=3 ").and.to.contain(pinned(recipe));
      expect(commands.filter((command) => command.startsWith("python "))).to.have.length(recipe.networks.length);
    }
    expect(commandsOf(RECIPES[0], 0).join("\n")).to.contain("--model=ssd300 --data_name=coco --batch_size=32");
  });

  it("stop at the first command that fails, and keep Python's output in order", () => {
    for (const recipe of RECIPES) {
      const [, ...inside] = commandsOf(recipe, 0);
      expect(inside[0]).to.equal("set -e");
      // a failure before && would not count
      for (const command of inside) expect(command).not.to.contain("&&");
      const runs = inside.filter((command) => command.startsWith("python "));
      expect(runs.every((command) => command.startsWith("python -u tf_cnn_benchmarks.py "))).to.equal(true);
    }
  });

  it("fetch a newer protoc where the image's is too old", () => {
    const [old, newer] = [RECIPES[0], RECIPES[1]].map((recipe) => commandsOf(recipe, 0).join("\n"));
    expect(old).to.contain("/v3.0.0/protoc-3.0.0-linux-x86_64.zip").and.to.contain("\n/protoc/bin/protoc object_det");
    expect(old).not.to.contain("protobuf-compiler");
    expect(newer).to.contain("protobuf-compiler").and.to.contain("\nprotoc object_det");
  });

  it("fetch the object detection for SSD300 alone", () => {
    for (const recipe of RECIPES) {
      const text = commandsOf(recipe, 0).join("\n");
      expect(text.includes("tensorflow/models")).to.equal(recipe.networks.length === NETWORKS.length);
    }
  });

  it("leave no gap from Kepler to Hopper", () => {
    for (const capability of [3.5, 5.2, 6, 6.1, 7, 7.5, 8, 8.6, 8.9, 9, 10, 12]) {
      expect(recipesFor(capability, undefined), String(capability)).not.to.deep.equal([]);
    }
  });

  it("are in docs/tu.md, image by image and command by command", () => {
    for (const recipe of RECIPES) {
      expect(PAGE).to.contain(`\`${recipe.image}\``);
      expect(PAGE).to.contain(`\`${recipe.branch}\``);
      if (recipe.digest !== undefined) expect(PAGE).to.contain(recipe.digest);
    }
    for (const command of commandsOf(RECIPES[1], 0)) expect(PAGE).to.contain(`${command}\n`);
  });
});
