import { bytes32, JsonFormat, list, record, text, uint, type Shape } from "@turingfog/sdk/wire";

/** What a worker claims of its part in a round of a run, beside the round and its start. */
export interface WorkerClaim {
  nodeId: bigint;
  /** The hash of the worker's weights at the end of the round. */
  endHash: string;
  images: bigint;
  /** Mean cross-entropy of the images. */
  loss: number;
  /** Hashes of what 8-bit differences left out, before and after; zero with `transfer: "float32"`. */
  residualBefore: string;
  residualAfter: string;
}

/** A round of a run. */
export interface RoundRecord {
  round: bigint;
  startHash: string;
  /** The hash of the trimmed mean of the workers' weights. */
  endHash: string;
  /** On the data that nobody learns from. */
  accuracy: number;
  loss: number;
  claims: WorkerClaim[];
}

/** What a run was begun with, beside its plan. */
export interface RunSettings {
  /** Folder of the data. */
  data: string;
  dataHash: string;
  /** Nodes 1 to this number take part. */
  workers: bigint;
}

/** The most workers of a run. */
export const MAX_WORKERS = 1_000;

const MAX_SETTINGS = 9_999;
const MAX_RECORD = 600 * MAX_WORKERS;

/** A number from 0, as JavaScript writes it. */
const decimal: Shape<number> = {
  parse: (value) => Number(text(/^\d{1,21}(\.\d{1,20})?(e[+-]\d{1,3})?$/, "a decimal number").parse(value)),
  toJson: String,
};

export const RUN_SETTINGS = new JsonFormat<RunSettings>("turingfog-training-run-v1", MAX_SETTINGS, {
  data: text(/^[ -~]{1,4096}$/, "1 to 4,096 printable characters of ASCII"),
  dataHash: bytes32,
  workers: uint(32),
});

export const ROUND_RECORD = new JsonFormat<RoundRecord>("turingfog-training-round-v1", MAX_RECORD, {
  round: uint(32),
  startHash: bytes32,
  endHash: bytes32,
  accuracy: decimal,
  loss: decimal,
  claims: list(
    record<WorkerClaim>({
      nodeId: uint(256),
      endHash: bytes32,
      images: uint(64),
      loss: decimal,
      residualBefore: bytes32,
      residualAfter: bytes32,
    }),
    1,
    MAX_WORKERS,
  ),
});
