import type { Network } from "./rating.js";

/** The networks by the names that tf_cnn_benchmarks has for them and for their data. */
export const BENCHMARKS: Readonly<Record<Network, { model: string; dataset: string }>> = {
  "ResNet-50": { model: "resnet50", dataset: "imagenet" },
  "ResNet-152": { model: "resnet152", dataset: "imagenet" },
  "Inception v3": { model: "inception3", dataset: "imagenet" },
  "Inception v4": { model: "inception4", dataset: "imagenet" },
  "VGG-16": { model: "vgg16", dataset: "imagenet" },
  AlexNet: { model: "alexnet", dataset: "imagenet" },
  SSD300: { model: "ssd300", dataset: "coco" },
};

/** Models that tf_cnn_benchmarks registers, in any of its versions. */
export const MODELS = [
  String.raw`vgg(?:11|16|19)|lenet|googlenet|overfeat|alexnet|trivial|inception[34]|nasnet(?:large)?|mobilenet`,
  String.raw`(?:official_)?resnet\d+(?:_v\d(?:\.\d)?)?|ssd300|deepspeech2|(?:official_)?ncf|densenet\w+`,
].join("|");

/** Modes that tf_cnn_benchmarks prints; true for training alone. Under TensorFlow 1.12 it prints an enumeration's. */
export const MODES: ReadonlyMap<string, boolean> = new Map([
  ["training", true],
  ["BenchmarkMode.TRAIN", true],
  ...["forward-only", "forward only", "evaluation", "training + evaluation", "none"].map(
    (mode) => [mode, false] as const,
  ),
  ...["EVAL", "FORWARD_ONLY", "TRAIN_AND_EVAL"].map((mode) => [`BenchmarkMode.${mode}`, false] as const),
]);
