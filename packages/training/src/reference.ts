import type { Engine, Kernels, KernelShape } from "./kernels";

const { fround } = Math;

/** Returns the kernels in plain TypeScript: what others must equal, and what runs where there is no WebAssembly. */
export function referenceEngine(size: number): Engine {
  const memory = new ArrayBuffer(size);
  return { name: "reference", memory, kernels: new ReferenceKernels(memory) };
}

class ReferenceKernels implements Kernels {
  private readonly bytes: Uint8Array;
  private readonly integers: Int32Array;
  private readonly values: Float32Array;

  constructor(memory: ArrayBuffer) {
    this.bytes = new Uint8Array(memory);
    this.integers = new Int32Array(memory);
    this.values = new Float32Array(memory);
  }

  pixels(bytes: number, count: number, out: number): void {
    for (let i = 0; i < count; i++) this.values[(out >> 2) + i] = this.bytes[bytes + i] / 255;
  }

  forward(shape: number, input: number, weights: number, bias: number, out: number): void {
    const { values } = this;
    const s = this.shapeAt(shape);
    let o = out >> 2;
    for (let oy = 0; oy < s.outHeight; oy++) {
      for (let ox = 0; ox < s.outWidth; ox++) {
        for (let channel = 0; channel < s.outPixel; channel++, o++) {
          let sum = values[(bias >> 2) + channel];
          let w = (weights >> 2) + channel;
          for (let ky = 0; ky < s.kernelHeight; ky++) {
            for (let kx = 0; kx < s.kernelWidth; kx++) {
              let x = (input >> 2) + pixelAt(s, oy, ox, ky, kx);
              for (let c = 0; c < s.channels; c++, x++, w += s.outPixel) {
                sum = fround(sum + fround(values[x] * values[w]));
              }
            }
          }
          values[o] = sum;
        }
      }
    }
  }

  activate(values: number, count: number, relu: boolean): boolean {
    const view = this.view(values, count);
    const isFinite = view.every(Number.isFinite);
    if (relu) for (let i = 0; i < count; i++) view[i] = Math.max(view[i], 0);
    return isFinite;
  }

  mask(errors: number, values: number, count: number): void {
    const [error, value] = [this.view(errors, count), this.view(values, count)];
    for (let i = 0; i < count; i++) if (!(value[i] > 0)) error[i] = 0;
  }

  biasGradient(shape: number, errors: number, gradient: number): void {
    const { values } = this;
    const s = this.shapeAt(shape);
    for (let p = 0, e = errors >> 2; p < s.outHeight * s.outWidth; p++) {
      for (let g = gradient >> 2, end = g + s.outPixel; g < end; g++, e++) values[g] += values[e];
    }
  }

  weightGradient(shape: number, input: number, errors: number, gradient: number): void {
    const { values } = this;
    const s = this.shapeAt(shape);
    let e = errors >> 2;
    for (let oy = 0; oy < s.outHeight; oy++) {
      for (let ox = 0; ox < s.outWidth; ox++, e += s.outPixel) {
        let g = gradient >> 2;
        for (let ky = 0; ky < s.kernelHeight; ky++) {
          for (let kx = 0; kx < s.kernelWidth; kx++) {
            let x = (input >> 2) + pixelAt(s, oy, ox, ky, kx);
            for (let c = 0; c < s.channels; c++, x++) {
              for (let channel = 0; channel < s.outPixel; channel++, g++) {
                values[g] += fround(values[x] * values[e + channel]);
              }
            }
          }
        }
      }
    }
  }

  inputGradient(shape: number, errors: number, weights: number, inErrors: number): void {
    const { values } = this;
    const s = this.shapeAt(shape);
    const lanes = new Float32Array(4);
    for (let y = 0; y < s.height; y++) {
      for (let x = 0; x < s.width; x++) {
        for (let c = 0; c < s.channels; c++) {
          lanes.fill(0);
          for (let oy = 0; oy < s.outHeight; oy++) {
            const ky = y - oy * s.step;
            if (ky < 0 || ky >= s.kernelHeight) continue;
            for (let ox = 0; ox < s.outWidth; ox++) {
              const kx = x - ox * s.step;
              if (kx < 0 || kx >= s.kernelWidth) continue;
              const e = (errors >> 2) + (oy * s.outWidth + ox) * s.outPixel;
              const w = (weights >> 2) + ((ky * s.kernelWidth + kx) * s.channels + c) * s.outPixel;
              for (let i = 0; i < s.outPixel; i++) lanes[i & 3] += fround(values[e + i] * values[w + i]);
            }
          }
          const sum = fround(lanes[0] + lanes[1]) + fround(lanes[2] + lanes[3]);
          values[(inErrors >> 2) + (y * s.width + x) * s.inPixel + c] = sum;
        }
      }
    }
  }

  pool(shape: number, input: number, out: number): void {
    const { values } = this;
    const s = this.shapeAt(shape);
    let o = out >> 2;
    for (let oy = 0; oy < s.outHeight; oy++) {
      for (let ox = 0; ox < s.outWidth; ox++) {
        for (let channel = 0; channel < s.outPixel; channel++, o++) {
          let most = -Infinity;
          for (let ky = 0; ky < s.kernelHeight; ky++) {
            for (let kx = 0; kx < s.kernelWidth; kx++) {
              most = Math.max(most, values[(input >> 2) + pixelAt(s, oy, ox, ky, kx) + channel]);
            }
          }
          values[o] = most;
        }
      }
    }
  }

  poolGradient(shape: number, input: number, out: number, errors: number, inErrors: number): void {
    const { values } = this;
    const s = this.shapeAt(shape);
    this.view(inErrors, s.height * s.width * s.inPixel).fill(0);
    let o = 0;
    for (let oy = 0; oy < s.outHeight; oy++) {
      for (let ox = 0; ox < s.outWidth; ox++) {
        for (let channel = 0; channel < s.outPixel; channel++, o++) {
          const at = this.firstOf(values[(out >> 2) + o], s, input, oy, ox, channel);
          if (at !== undefined) values[(inErrors >> 2) + at] += values[(errors >> 2) + o];
        }
      }
    }
  }

  /** Returns where a square has a value first. */
  private firstOf(
    value: number,
    s: KernelShape,
    input: number,
    oy: number,
    ox: number,
    channel: number,
  ): number | undefined {
    for (let ky = 0; ky < s.kernelHeight; ky++) {
      for (let kx = 0; kx < s.kernelWidth; kx++) {
        const at = pixelAt(s, oy, ox, ky, kx) + channel;
        if (this.values[(input >> 2) + at] === value) return at;
      }
    }
    return undefined;
  }

  update(
    weights: number,
    velocity: number,
    gradient: number,
    count: number,
    batch: number,
    rate: number,
    momentum: number,
  ): boolean {
    const [w, v, g] = [weights, velocity, gradient].map((address) => this.view(address, count));
    const [size, r, m] = [fround(batch), fround(rate), fround(momentum)];
    for (let i = 0; i < count; i++) {
      v[i] = fround(m * v[i]) - fround(r * fround(g[i] / size));
      w[i] += v[i];
    }
    return w.every(Number.isFinite);
  }

  private view(address: number, count: number): Float32Array {
    return this.values.subarray(address >> 2, (address >> 2) + count);
  }

  /** Reads a layer's shape; pixels are counted in values here. */
  private shapeAt(address: number): KernelShape {
    const [height, width, channels, kernelHeight, kernelWidth, step, outHeight, outWidth, inPixel, outPixel] =
      this.integers.subarray(address >> 2, (address >> 2) + 10);
    const pixels = { inPixel: inPixel >> 2, outPixel: outPixel >> 2 };
    return { height, width, channels, kernelHeight, kernelWidth, step, outHeight, outWidth, ...pixels };
  }
}

/** Returns the index of a kernel's pixel in the input. */
function pixelAt(s: KernelShape, oy: number, ox: number, ky: number, kx: number): number {
  return ((oy * s.step + ky) * s.width + ox * s.step + kx) * s.inPixel;
}
