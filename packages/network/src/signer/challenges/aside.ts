import { once } from "node:events";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

import { checkRows } from "./product.js";

/** Checks rows in a thread of its own: the largest take seconds, for which nobody else may wait. See `checkRows`. */
export async function checkRowsAside(...given: Parameters<typeof checkRows>): Promise<boolean> {
  const worker = new Worker(__filename, { workerData: given });
  const [isRight] = (await once(worker, "message")) as [boolean];
  await worker.terminate();
  return isRight;
}

if (!isMainThread && Array.isArray(workerData)) {
  parentPort?.postMessage(checkRows(...(workerData as Parameters<typeof checkRows>)));
}
