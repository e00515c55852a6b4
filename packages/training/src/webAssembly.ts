import { readFileSync } from "node:fs";
import path from "node:path";

import type { Engine, Kernels } from "./kernels";

const PAGE = 65_536;

/** Compiled once, when it is used first. */
let compiled: WebAssembly.Module | undefined;

/** Returns the kernels that are compiled from `assembly/kernels.ts`. */
export function webAssemblyEngine(size: number): Engine {
  compiled ??= new WebAssembly.Module(readFileSync(path.join(__dirname, "kernels.wasm")));
  const pages = Math.ceil(size / PAGE);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  return { name: "webassembly", memory: memory.buffer, kernels: exports as unknown as Kernels };
}
