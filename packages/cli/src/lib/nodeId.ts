import { UsageError } from "./command.js";

/**
 * Reads the value of --node.
 * @throws UsageError
 */
export function readNodeId(text: string): bigint {
  if (/^\d{1,78}$/.test(text)) return BigInt(text);
  throw new UsageError(`--node is ${text}, must be a node's id, a whole number`);
}
