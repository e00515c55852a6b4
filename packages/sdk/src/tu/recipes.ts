import { BENCHMARKS } from "./benchmarks.js";
import { type Network, NETWORKS } from "./rating.js";

/** A published container image that trains the networks, and the cards that it is for. */
export interface Recipe {
  image: string;
  /** SHA-256 of the image, if public material tells it. */
  digest: string | undefined;
  tensorflow: string;
  cuda: string;
  /** The branch of tf_cnn_benchmarks for that TensorFlow. */
  branch: string;
  /** The oldest version of NVIDIA's driver, if public material tells it. */
  driver: string | undefined;
  /** True for Ubuntu 16.04, whose protoc 2.6.1 does not know the word `reserved` of the object detection. */
  needsProtoc: boolean;
  /** CUDA's compute capability of the cards, from and to. */
  capability: readonly [from: number, to: number];
  networks: readonly Network[];
}

/**
 * From the reference's own TensorFlow to the newest. NVIDIA's release notes say which driver and which cards an image
 * takes, its matrix of toolkits and architectures which CUDA is the first for a card; docs/tu.md has the sources.
 */
export const RECIPES: readonly Recipe[] = [
  {
    image: "tensorflow/tensorflow:1.12.0-gpu-py3",
    digest: undefined,
    tensorflow: "1.12",
    cuda: "9.0",
    branch: "cnn_tf_v1.12_compatible",
    driver: "384.81",
    needsProtoc: true,
    capability: [3.5, 7.0],
    networks: NETWORKS,
  },
  {
    image: "nvcr.io/nvidia/tensorflow:23.01-tf1-py3",
    digest: undefined,
    tensorflow: "1.15.5",
    cuda: "12.0",
    branch: "cnn_tf_v1.15_compatible",
    driver: "525",
    needsProtoc: false,
    capability: [6.0, 9.0],
    networks: NETWORKS,
  },
  {
    image: "nvcr.io/nvidia/tensorflow:20.10-tf1-py3",
    digest: undefined,
    tensorflow: "1.15",
    cuda: "11.1",
    branch: "cnn_tf_v1.15_compatible",
    driver: "455",
    needsProtoc: false,
    capability: [6.0, 8.6],
    networks: NETWORKS,
  },
  {
    image: "nvcr.io/nvidia/tensorflow:25.02-tf2-py3",
    digest: "sha256:c83b37d26f19ab00d8a13cf974edd079c3d099918ec3110c304a989d6e2f75d5",
    tensorflow: "2.17",
    cuda: "12.8",
    branch: "cnn_tf_v2.1_compatible",
    driver: undefined,
    needsProtoc: false,
    capability: [10.0, 12.0],
    // SSD300 is built on tensorflow.contrib, which TensorFlow 2 does not have
    networks: NETWORKS.filter((network) => network !== "SSD300"),
  },
];

/** Images a batch: Lambda's published logs of a GTX 1080 Ti, and the default of tf_cnn_benchmarks' SSD300. */
export const BATCH_SIZES: Readonly<Record<Network, number>> = {
  "ResNet-50": 64,
  "ResNet-152": 32,
  "Inception v3": 64,
  "Inception v4": 16,
  "VGG-16": 56,
  AlexNet: 512,
  SSD300: 32,
};

/** Returns the recipes for a card, the one nearest to the reference first; an unknown driver rules none out. */
export function recipesFor(capability: number, driver: string | undefined): Recipe[] {
  return RECIPES.filter(
    ({ capability: [from, to], driver: oldest }) =>
      from <= capability &&
      capability <= to &&
      !(driver !== undefined && oldest !== undefined && compareVersions(driver, oldest) < 0),
  );
}

/** Compares versions part by part: negative if the first is the older one. A part that is missing is zero. */
export function compareVersions(a: string, b: string): number {
  const [first, second] = [a, b].map((version) => version.split(".").map(Number));
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    const difference = (first.at(i) ?? 0) - (second.at(i) ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Returns the name of an image to pull: by its digest if that is known, as a tag may be moved. */
export function pinned({ image, digest }: Recipe): string {
  return digest === undefined ? image : `${image}@${digest}`;
}

/**
 * Returns the commands that write a log for each network into the card's own folder: one to enter the container, with
 * TF32 and XLA off, the others to be run in it, up to the first that fails. Python writes its output at once, so that it
 * stands among the errors in order.
 * @param gpu index of the card, as nvidia-smi lists it
 */
export function commandsOf(recipe: Recipe, gpu: number): string[] {
  const { branch, networks, needsProtoc } = recipe;
  const settings = "-e NVIDIA_TF32_OVERRIDE=0 -e TF_XLA_FLAGS=--tf_xla_auto_jit=-1";
  const logs = `-v "$PWD/logs/card-${gpu}:/logs"`;
  return [
    `docker run --rm -it --gpus device=${gpu} --ipc=host ${settings} ${logs} ${pinned(recipe)} bash`,
    "set -e",
    // the keys of NVIDIA's own package lists in older images have been withdrawn
    "rm -f /etc/apt/sources.list.d/cuda.list /etc/apt/sources.list.d/nvidia-ml.list",
    "apt-get update",
    `apt-get install -y git ${needsProtoc ? "curl unzip" : "protobuf-compiler"}`,
    `git clone --depth 1 --branch ${branch} https://github.com/tensorflow/benchmarks /benchmarks`,
    ...(networks.includes("SSD300") ? ssd300Needs(needsProtoc) : []),
    "cd /benchmarks/scripts/tf_cnn_benchmarks",
    ...networks.map(benchmarkOf),
  ];
}

/** The release of protoc that the installation guide of the object detection names. */
const PROTOC = "https://github.com/google/protobuf/releases/download/v3.0.0/protoc-3.0.0-linux-x86_64.zip";

/** Returns the commands for the object detection of tensorflow/models, which SSD300 imports for synthetic images too. */
function ssd300Needs(needsProtoc: boolean): string[] {
  const fetched = [`curl -fL -o /protoc.zip ${PROTOC}`, "unzip -o /protoc.zip -d /protoc"];
  return [
    "git clone --depth 1 --branch v1.13.0 https://github.com/tensorflow/models /models",
    ...(needsProtoc ? fetched : []),
    "cd /models/research",
    `${needsProtoc ? "/protoc/bin/protoc" : "protoc"} object_detection/protos/*.proto --python_out=.`,
    "export PYTHONPATH=/models:/models/research",
  ];
}

function benchmarkOf(network: Network): string {
  const { model, dataset } = BENCHMARKS[network];
  const flags = [
    `--model=${model}`,
    `--data_name=${dataset}`,
    `--batch_size=${BATCH_SIZES[network]}`,
    "--num_gpus=1 --num_batches=100 --variable_update=replicated --all_reduce_spec=nccl",
  ];
  return `python -u tf_cnn_benchmarks.py ${flags.join(" ")} > /logs/${model}.log 2>&1`;
}
