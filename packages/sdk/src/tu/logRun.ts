import type { DeviceLine } from "./logLines.js";

/** Cards that TensorFlow's index stands for, by name and bus: more than one are those of two runs. */
export type Devices = Map<string, DeviceLine[]>;

/** Facts that are printed before a run's head and belong to the run. */
export interface Prelude {
  devices: Devices;
  sources: Set<string>;
  lowPrecision: string | undefined;
  isCompiledByXla: boolean;
  isInTf32: boolean;
  /** The error after which the head follows: Python holds back its output when it goes to a file, not its errors. */
  failure: string | undefined;
  /** Kinds of the lines by which a process of TensorFlow's has begun, and not failed. */
  startUps: Set<number>;
  /** The first sign that lines of another run are among this one's. */
  mixture: string | undefined;
}

/** One run of the benchmark, as far as its log tells. */
export interface Run extends Prelude {
  model: string;
  /** The head, by what its lines begin with. */
  fields: Map<string, string>;
  /** True when the log has another run before this one that neither finished nor failed: its lines may follow. */
  isOverlapping: boolean;
  isWarmingUp: boolean;
  isWarm: boolean;
  /** Images per second up to each step shown. */
  speeds: number[];
  lastStep: number | undefined;
  total: string | undefined;
  /** A line of the run that has something unknown before it. */
  displaced: string | undefined;
  isEvaluated: boolean;
  isLossNaN: boolean;
}

/** Returns a prelude in which nothing was said. */
export function newPrelude(): Prelude {
  return {
    devices: new Map(),
    sources: new Set(),
    lowPrecision: undefined,
    isCompiledByXla: false,
    isInTf32: false,
    failure: undefined,
    startUps: new Set(),
    mixture: undefined,
  };
}

/** Returns a run of which the model alone is known. */
export function newRun(prelude: Prelude, model: string, isOverlapping: boolean): Run {
  return {
    ...prelude,
    model,
    fields: new Map(),
    isOverlapping,
    isWarmingUp: false,
    isWarm: false,
    speeds: [],
    lastStep: undefined,
    total: undefined,
    displaced: undefined,
    isEvaluated: false,
    isLossNaN: false,
  };
}

/** Notes a device; the same one is named again for each session, and the least memory counts. */
export function addDevice({ devices }: Prelude, device: DeviceLine): void {
  const cards = devices.get(device.index) ?? [];
  const known = cards.find(({ name, bus }) => name === device.name && bus === device.bus);
  if (known === undefined) cards.push({ ...device });
  else if (device.memory !== undefined) known.memory = Math.min(known.memory ?? Infinity, device.memory);
  devices.set(device.index, cards);
}
