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
