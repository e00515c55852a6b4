import { parentPort, workerData } from "node:worker_threads";

import type { Challenge } from "@turingfog/sdk/wire";
import { Product } from "../signer/challenges/product.js";

// Computes a challenge's product, tells its root, and then the way to it from the rows that are asked for.
const product = Product.of(workerData as Challenge);
parentPort?.once("message", (rows: bigint[]) => parentPort?.postMessage(product.paths(rows)));
parentPort?.postMessage(product.root);
