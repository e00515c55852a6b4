import { TuringFogError } from "@turingfog/sdk";

/** Thrown when the layers of a model do not fit together, or need more than a limit allows. */
export class ModelError extends TuringFogError {
  constructor(
    /** Path of what is refused, such as `layers[1].kernel`. */
    readonly at: string,
    readonly reason: string,
  ) {
    super(`model, ${at}: ${reason}`);
  }
}

/** Thrown when images or labels do not fit their model. */
export class DatasetError extends TuringFogError {
  constructor(
    /** The value that is refused, such as `labels[3]`. */
    readonly at: string,
    readonly value: number,
    /** The limit, such as `below 10`. */
    readonly expected: string,
  ) {
    super(`data, ${at}: is ${value}, expected ${expected}`);
  }
}

/** Thrown when weights are not those of a model. */
export class WeightsError extends TuringFogError {
  constructor(
    /** The value that is refused, such as `length` or `layers.0.bias[3]`. */
    readonly at: string,
    readonly value: number,
    readonly expected: string,
  ) {
    super(`weights, ${at}: is ${value}, expected ${expected}`);
  }
}

/** Thrown when training leaves the finite numbers, which ends its round: there are no weights to claim. */
export class NonFiniteError extends TuringFogError {
  constructor(
    /** Where it was seen, such as `layers[0]` or `weights`. */
    readonly at: string,
    /** Step of the round, from 0; undefined outside of one. */
    readonly step?: number,
  ) {
    super(
      `${at}: NaN or infinity${step === undefined ? "" : ` in step ${step}`}; lower the learning rate, or begin with other weights`,
    );
  }
}
