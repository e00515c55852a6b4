import { MODES } from "./benchmarks.js";
import { RefusedLogError, shown } from "./logFault.js";
import {
  devicesOf,
  displacedIn,
  failureOf,
  fieldOf,
  isEvaluation,
  isKnownMode,
  isKnownModel,
  isNextToModel,
  LAST_STAGE,
  lowPrecisionOf,
  startUpOf,
} from "./logLines.js";
import { addDevice, newPrelude, newRun, type Prelude, type Run } from "./logRun.js";
import { type LogMeasurement, measurementOf } from "./logVerdict.js";
import { printedLineOf } from "./prefixes.js";

/** Half of the last digit of a step line's images per second. */
const SPEED_ROUNDING = 0.05;

const STEP = /^(\d+)\s+images\/sec: ([\d.]+) \+\/-(?:.*\)\s+(nan)\b)?/;
const TOTAL = /^total images\/sec: +(.*)$/;

/**
 * Follows the console output of tf_cnn_benchmarks line by line; what TensorFlow says in between is passed over. A line
 * counts for a run only if the run can have printed it there: the head's lines once and before the warm-up, steps in
 * ascending order, in a time that never runs backwards.
 */
export class LogReader {
  private readonly runs: Run[] = [];
  /** The run under way: none after its total, so that nothing printed later can change it. */
  private run: Run | undefined;
  private prelude = newPrelude();
  private line = 0;
  /** A model that tf_cnn_benchmarks does not have: its line is the benchmark's only if the head goes on. */
  private unknownModel: string | undefined;
  /** The source of the line that is being taken. */
  private source = "";
  private displaced: string | undefined;

  /** Takes the next line, as it stands in the file. */
  read(line: string): void {
    this.line++;
    const { text, source } = printedLineOf(line);
    this.source = source;
    if (!this.takeBenchmark(text)) this.takeTensorFlow(text);
  }

  /** Takes what stands after the last newline. It may be cut off; a total with its two decimals is not. */
  readRest(rest: string): void {
    if (/total images\/sec: +\d+\.\d\d$/.test(printedLineOf(rest).text)) this.read(rest);
  }

  /**
   * Returns what the last finished run of each network has measured.
   * @param file its name, for errors and remarks
   * @param source SHA-256 of the file
   * @param card the card, for a driver that names only its chip
   * @throws RefusedLogError unless every network that was tried has a finished run, and the last one was a plausible
   * training on one GPU and synthetic images
   * @throws InvalidThroughputError, ZeroThroughputError, OutOfRangeError
   */
  measurements(file: string, source: string, card?: string): LogMeasurement[] {
    const { runs, displaced } = this;
    const { failure } = this.prelude;
    if (runs.length === 0) {
      if (failure !== undefined) throw new RefusedLogError(file, "failed", `failed: ${failure}`);
      const detail = "holds no run of tf_cnn_benchmarks";
      throw new RefusedLogError(file, "no run", displaced === undefined ? detail : `${detail}: ${displaced}`);
    }

    const models = new Set(runs.map(({ model }) => model));
    const chosen = Array.from(models, (model) => {
      const tried = runs.filter((run) => run.model === model);
      return tried.filter(({ total }) => total !== undefined).at(-1) ?? tried[tried.length - 1];
    });
    const mixed = chosen.find(({ mixture }) => mixture !== undefined);
    if (mixed?.mixture !== undefined) {
      const advice = "log each run to a file of its own";
      throw new RefusedLogError(file, "mixed runs", `the lines of two runs are mixed: ${mixed.mixture}; ${advice}`);
    }
    return chosen.map((run) => ({ ...measurementOf(run, file, card), source }));
  }

  /** Returns how many images the runs have trained up to the last step that they have shown; the warm-up's are not counted. */
  images(): number {
    const trained = this.runs.filter(({ fields, mixture, isEvaluated }) => {
      return MODES.get(fields.get("Mode") ?? "") === true && mixture === undefined && !isEvaluated;
    });
    return trained.reduce((sum, { fields, lastStep = 0 }) => {
      return sum + lastStep * Number(/^(\d{1,6}) global$/.exec(fields.get("Batch size") ?? "")?.[1] ?? 0);
    }, 0);
  }

  /** Takes a line of the benchmark's own; false for any other. */
  private takeBenchmark(text: string): boolean {
    const model = /^Model: +(.*)$/.exec(text)?.[1];
    const field = fieldOf(text);
    if (this.unknownModel !== undefined && field !== undefined && isNextToModel(field[0])) {
      this.begin(this.unknownModel);
    }
    this.unknownModel = undefined;
    if (model !== undefined) {
      if (isKnownModel(model)) this.begin(model);
      else this.unknownModel = model;
      return true;
    }
    const { run } = this;
    if (/^TensorFlow: +\S/.test(text)) {
      this.run = undefined;
      return true;
    }
    if (field !== undefined) {
      if (run !== undefined) this.takeField(run, ...field);
      return true;
    }
    const warmUp = /^(Running|Done) warm ?up/.exec(text)?.[1];
    if (warmUp !== undefined) {
      if (run !== undefined) this.takeWarmUp(run, warmUp === "Done");
      return true;
    }
    const step = STEP.exec(text);
    if (step !== null) {
      this.takeStep(run, Number(step[1]), Number(step[2]), step[3] !== undefined);
      return true;
    }
    const total = TOTAL.exec(text)?.[1];
    if (total !== undefined) {
      this.takeTotal(run, total);
      return true;
    }
    return false;
  }

  private begin(model: string): void {
    const last = this.runs.at(-1);
    const isOverlapping = last !== undefined && last.total === undefined && last.failure === undefined;
    const run = newRun(this.prelude, model, isOverlapping);
    this.prelude = newPrelude();
    this.runs.push(run);
    this.run = run;
    this.claim(run);
    if (isOverlapping && !last.isWarm) this.mix(run, "its head before the warm-up of the run before was done");
  }

  private takeField(run: Run, field: string, value: string): void {
    if (field === "Mode" && run.fields.has(field) && !isKnownMode(value)) return;
    this.claim(run);
    if (run.fields.has(field)) return this.mix(run, `another "${field}"`);
    if (run.isWarmingUp || run.isWarm) return this.mix(run, `"${field}" after the warm-up`);
    if (run.lastStep !== undefined) return this.mix(run, `"${field}" after step ${run.lastStep}`);
    if (run.fields.has(LAST_STAGE)) return this.mix(run, `"${field}" after "${LAST_STAGE}"`);
    run.fields.set(field, value);
  }

  private takeWarmUp(run: Run, isDone: boolean): void {
    this.claim(run);
    if (isDone ? run.isWarm : run.isWarmingUp || run.isWarm) this.mix(run, "another warm-up");
    if (run.lastStep !== undefined) this.mix(run, `a warm-up after step ${run.lastStep}`);
    if (isDone) {
      run.isWarm = true;
      this.prelude = newPrelude();
    } else run.isWarmingUp = true;
  }

  private takeStep(run: Run | undefined, step: number, speed: number, isLossNaN: boolean): void {
    if (run === undefined) return this.takeStray(`step ${step}`);
    this.claim(run);
    const { lastStep } = run;
    if (!run.isWarm && run.isOverlapping) this.mix(run, `step ${step} before the warm-up`);
    if (lastStep !== undefined) {
      if (step <= lastStep) this.mix(run, `step ${step} after step ${lastStep}`);
      // a step over the mean speed up to it is the time up to it, which grows
      const before = lastStep / (run.speeds[run.speeds.length - 1] + SPEED_ROUNDING);
      const now = step / Math.max(speed - SPEED_ROUNDING, 0);
      if (now < before) this.mix(run, `step ${step} was done sooner than step ${lastStep}`);
    }
    const batches = Number(run.fields.get("Num batches"));
    if (step > batches) this.mix(run, `step ${step} of ${batches}`);
    run.lastStep = step;
    run.speeds.push(speed);
    if (isLossNaN) run.isLossNaN = true;
  }

  private takeTotal(run: Run | undefined, total: string): void {
    if (run === undefined) return this.takeStray("another total");
    this.claim(run);
    if (!run.isWarm && run.isOverlapping) this.mix(run, "a total before the warm-up");
    run.total = total;
    this.run = undefined;
    this.prelude = newPrelude();
  }

  /** A step or total of no run that is known: it belongs to an earlier one, whose lines this one may have got. */
  private takeStray(what: string): void {
    const last = this.runs.at(-1);
    if (last?.isOverlapping === true) this.mix(last, `${what} after the total`);
  }

  /** Takes what TensorFlow, the shell or a launcher says of a run. */
  private takeTensorFlow(text: string): void {
    const { run } = this;
    this.takeNotes(this.prelude, text);
    if (run !== undefined && this.takeNotes(run, text)) this.claim(run);
    const startUp = startUpOf(text);
    if (startUp !== undefined) this.takeStartUp(startUp);
    if (run !== undefined && isEvaluation(text)) run.isEvaluated = true;

    const failure = failureOf(text);
    if (failure !== undefined) return this.takeFailure(failure);
    const displaced = displacedIn(text);
    if (displaced !== undefined) {
      // whichever run that line is of, the one under way ends here
      this.displaced ??= `line ${this.line} has ${shown(displaced.before)} before "${displaced.what}"`;
      if (run !== undefined) run.displaced ??= this.displaced;
      this.run = undefined;
    }
  }

  /** Notes what a line says of a run that goes on or is to come; true if it names a device. */
  private takeNotes(notes: Prelude, text: string): boolean {
    const devices = devicesOf(text);
    for (const device of devices) {
      addDevice(notes, device);
      notes.sources.add(this.source);
    }
    notes.lowPrecision ??= lowPrecisionOf(text);
    if (text.includes("Compiled cluster using XLA!")) notes.isCompiledByXla = true;
    if (text.includes("TensorFloat-32 will be used")) notes.isInTf32 = true;
    return devices.length > 0;
  }

  /** Counts the processes that begin before one head: its lines may be those of either. */
  private takeStartUp(kind: number): void {
    const { prelude } = this;
    if (prelude.startUps.has(kind)) prelude.mixture ??= `TensorFlow began twice before one head, in line ${this.line}`;
    prelude.startUps.add(kind);
  }

  /** Takes an error: that of the run under way, or of the run whose head Python still holds back. */
  private takeFailure(failure: string): void {
    if (this.run === undefined) {
      this.prelude.failure = failure;
      this.prelude.startUps.clear();
      return;
    }
    this.run.failure = failure;
    this.prelude = newPrelude();
  }

  /** Notes whose line a run has got: the lines of two sources are those of two runs. */
  private claim(run: Run): void {
    run.sources.add(this.source);
    if (run.sources.size > 1) this.mix(run, `lines of ${[...run.sources].map(sourceName).join(" and ")}`);
  }

  private mix(run: Run, sign: string): void {
    run.mixture ??= `${sign}, in line ${this.line}, in the run of ${run.model}`;
  }
}

function sourceName(source: string): string {
  return source === "" ? "no source" : source;
}
