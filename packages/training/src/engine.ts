import type { Engine } from "./kernels";
import { referenceEngine } from "./reference";
import { webAssemblyEngine } from "./webAssembly";

/** Returns the fastest engine there is, with a memory of so many bytes. Every engine gives the same bytes. */
export function createEngine(size: number): Engine {
  return typeof WebAssembly === "undefined" ? referenceEngine(size) : webAssemblyEngine(size);
}
