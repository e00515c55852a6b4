import { UsageError, wholeNumber } from "./command.js";

const LAST_PORT = 65_535;

/**
 * Reads the value of --port.
 * @throws UsageError
 */
export function monitorPort(text: string): number {
  const port = wholeNumber("port", text, 1);
  if (port > LAST_PORT) throw new UsageError(`--port is ${port}, must be at most ${LAST_PORT}`);
  return port;
}
