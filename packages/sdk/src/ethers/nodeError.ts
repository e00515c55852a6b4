import { isError } from "ethers";

import { TuringFogError } from "../errors.js";

/** Base class of the errors that blame what a node gives. */
export abstract class NodeError extends TuringFogError {
  readonly #sentence: (node: string, url: string) => string;

  /** @param sentence returns the message by the names of the node and of its URL */
  constructor(sentence: (node: string, url: string) => string) {
    super(sentence("The node", "the RPC URL"));
    this.#sentence = sentence;
  }

  /**
   * Returns this error, whose message then names the node.
   * @param chain name of the node's chain
   * @param variable environment variable that holds its URL
   */
  of(chain: string, variable: string): this {
    this.message = this.#sentence(`The node of ${chain}`, variable);
    return this;
  }
}

/** The most characters of an answer that are repeated: a word's. */
const MAX_ANSWER = 66;

/** Thrown when a node answers a view in another form than its contract does, as with nothing where it has no code. */
export class UnreadableAnswerError extends NodeError {
  constructor(
    /** Signature of the view, as "quorum()". */
    readonly view: string,
    readonly answer: string,
  ) {
    const shown = answer.length > MAX_ANSWER ? `${answer.slice(0, MAX_ANSWER)}…` : answer;
    super(
      (node, url) =>
        `${node} answers ${view} with ${shown}, as if it had no such contract: check ${url} and the address book, and ` +
        "that the node has caught up, or use another",
    );
  }

  /** Returns the error in place of that of ethers, which could not read an answer; undefined for any other error. */
  static from(error: unknown): UnreadableAnswerError | undefined {
    if (!isError(error, "BAD_DATA") || error.info?.signature === undefined) return undefined;
    return new UnreadableAnswerError(String(error.info.signature), String(error.value));
  }
}
