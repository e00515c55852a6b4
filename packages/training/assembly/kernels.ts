// The kernels of src/kernels.ts in AssemblyScript, with SIMD of 128 bits. Each of the four lanes of a vector is a sum of
// its own. A tile is four pixels, or four weights, by two vectors of channels, whose eight sums stay in registers: which
// sums are computed side by side changes nothing in the order of one.

/** Bytes of four channels. */
const VECTOR: i32 = 16;

/** A layer's shape as src/kernels.ts lays it out. */
@unmanaged
class Shape {
  height: i32;
  width: i32;
  channels: i32;
  kernelHeight: i32;
  kernelWidth: i32;
  step: i32;
  outHeight: i32;
  outWidth: i32;
  /** Bytes of a pixel of the input, with its padding. */
  inPixel: i32;
  /** Bytes of a pixel of the output, with its padding. */
  outPixel: i32;

  /** Runs of values that a kernel's row has in the input: one, unless there is padding between its pixels. */
  get runs(): i32 {
    return this.channels * 4 == this.inPixel ? 1 : this.kernelWidth;
  }

  /** Values of a run. */
  get run(): i32 {
    return this.channels * 4 == this.inPixel ? this.kernelWidth * this.channels : this.channels;
  }

  get inRow(): i32 {
    return this.width * this.inPixel;
  }

  get outRow(): i32 {
    return this.outWidth * this.outPixel;
  }
}

@inline
function addProduct(sum: v128, a: v128, b: v128): v128 {
  return f32x4.add(sum, f32x4.mul(a, b));
}

/** Adds zero if every lane is finite, and NaN otherwise. */
@inline
function addUnlessFinite(sum: v128, value: v128): v128 {
  return f32x4.add(sum, f32x4.sub(value, value));
}

@inline
function isZero(sum: v128): bool {
  return !v128.any_true(f32x4.ne(sum, f32x4.splat(0)));
}

export function pixels(bytes: i32, count: i32, out: i32): void {
  const most = f32x4.splat(255);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const narrow = i16x8.extend_low_i8x16_u(v128.load32_zero(bytes + i));
    v128.store(out + 4 * i, f32x4.div(f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(narrow)), most));
  }
  for (; i < count; i++) store<f32>(out + 4 * i, <f32>load<u8>(bytes + i) / 255);
}

export function forward(shape: Shape, input: i32, weights: i32, bias: i32, out: i32): void {
  const pixel = shape.outPixel, stride = shape.step * shape.inPixel;
  for (let oy = 0; oy < shape.outHeight; oy++) {
    let x = input + oy * shape.step * shape.inRow;
    let left = shape.outWidth;
    for (; left >= 4; left -= 4, x += 4 * stride, out += 4 * pixel) {
      let v = 0;
      for (; v + 2 * VECTOR <= pixel; v += 2 * VECTOR) forwardTile(2, 4, shape, x, weights + v, bias + v, out + v);
      if (v < pixel) forwardTile(1, 4, shape, x, weights + v, bias + v, out + v);
    }
    for (; left > 0; left--, x += stride, out += pixel) {
      let v = 0;
      for (; v + 2 * VECTOR <= pixel; v += 2 * VECTOR) forwardTile(2, 1, shape, x, weights + v, bias + v, out + v);
      if (v < pixel) forwardTile(1, 1, shape, x, weights + v, bias + v, out + v);
    }
  }
}

@inline
function forwardTile(vectors: i32, pixels: i32, shape: Shape, input: i32, weights: i32, bias: i32, out: i32): void {
  const pixel = shape.outPixel, stride = shape.step * shape.inPixel;
  const runs = shape.runs, run = 4 * shape.run, inPixel = shape.inPixel, inRow = shape.inRow;
  let a0 = v128.load(bias), b0 = vectors > 1 ? v128.load(bias, 16) : a0;
  let a1 = a0, a2 = a0, a3 = a0, b1 = b0, b2 = b0, b3 = b0;
  for (let ky = 0; ky < shape.kernelHeight; ky++) {
    for (let r = 0; r < runs; r++) {
      let x = input + ky * inRow + r * inPixel;
      for (const end = x + run; x < end; x += 4, weights += pixel) {
        const wa = v128.load(weights), wb = vectors > 1 ? v128.load(weights, 16) : wa;
        const x0 = v128.load32_splat(x);
        a0 = addProduct(a0, x0, wa);
        if (vectors > 1) b0 = addProduct(b0, x0, wb);
        if (pixels > 1) {
          const x1 = v128.load32_splat(x + stride);
          a1 = addProduct(a1, x1, wa);
          if (vectors > 1) b1 = addProduct(b1, x1, wb);
          const x2 = v128.load32_splat(x + 2 * stride);
          a2 = addProduct(a2, x2, wa);
          if (vectors > 1) b2 = addProduct(b2, x2, wb);
          const x3 = v128.load32_splat(x + 3 * stride);
          a3 = addProduct(a3, x3, wa);
          if (vectors > 1) b3 = addProduct(b3, x3, wb);
        }
      }
    }
  }
  storeTile(vectors, pixels, out, pixel, a0, a1, a2, a3, b0, b1, b2, b3);
}

@inline
function storeTile(
  vectors: i32, rows: i32, out: i32, row: i32,
  a0: v128, a1: v128, a2: v128, a3: v128, b0: v128, b1: v128, b2: v128, b3: v128,
): void {
  v128.store(out, a0);
  if (vectors > 1) v128.store(out, b0, 16);
  if (rows > 1) {
    v128.store(out + row, a1);
    v128.store(out + 2 * row, a2);
    v128.store(out + 3 * row, a3);
  }
  if (rows > 1 && vectors > 1) {
    v128.store(out + row, b1, 16);
    v128.store(out + 2 * row, b2, 16);
    v128.store(out + 3 * row, b3, 16);
  }
}

export function activate(values: i32, count: i32, relu: bool): bool {
  const zero = f32x4.splat(0);
  let seen = zero;
  for (const end = values + 4 * count; values < end; values += VECTOR) {
    const value = v128.load(values);
    seen = addUnlessFinite(seen, value);
    if (relu) v128.store(values, f32x4.max(value, zero));
  }
  return isZero(seen);
}

export function mask(errors: i32, values: i32, count: i32): void {
  const zero = f32x4.splat(0);
  for (const end = values + 4 * count; values < end; values += VECTOR, errors += VECTOR) {
    v128.store(errors, v128.and(v128.load(errors), f32x4.gt(v128.load(values), zero)));
  }
}

export function biasGradient(shape: Shape, errors: i32, gradient: i32): void {
  const pixel = shape.outPixel, end = errors + shape.outHeight * shape.outRow;
  for (let v = 0; v < pixel; v += VECTOR) {
    let sum = v128.load(gradient + v);
    for (let e = errors + v; e < end; e += pixel) sum = f32x4.add(sum, v128.load(e));
    v128.store(gradient + v, sum);
  }
}

export function weightGradient(shape: Shape, input: i32, errors: i32, gradient: i32): void {
  const pixel = shape.outPixel;
  for (let ky = 0; ky < shape.kernelHeight; ky++) {
    for (let r = 0; r < shape.runs; r++) {
      let x = input + ky * shape.inRow + r * shape.inPixel;
      let left = shape.run;
      for (; left >= 4; left -= 4, x += 16, gradient += 4 * pixel) {
        let v = 0;
        for (; v + 2 * VECTOR <= pixel; v += 2 * VECTOR) gradientTile(2, 4, shape, x, errors + v, gradient + v);
        if (v < pixel) gradientTile(1, 4, shape, x, errors + v, gradient + v);
      }
      for (; left > 0; left--, x += 4, gradient += pixel) {
        let v = 0;
        for (; v + 2 * VECTOR <= pixel; v += 2 * VECTOR) gradientTile(2, 1, shape, x, errors + v, gradient + v);
        if (v < pixel) gradientTile(1, 1, shape, x, errors + v, gradient + v);
      }
    }
  }
}

@inline
function gradientTile(vectors: i32, weights: i32, shape: Shape, input: i32, errors: i32, gradient: i32): void {
  const pixel = shape.outPixel, row = shape.outRow;
  const stride = shape.step * shape.inPixel, rowStride = shape.step * shape.inRow;
  let a0 = v128.load(gradient), b0 = vectors > 1 ? v128.load(gradient, 16) : a0;
  let a1 = a0, a2 = a0, a3 = a0, b1 = b0, b2 = b0, b3 = b0;
  if (weights > 1) {
    a1 = v128.load(gradient + pixel);
    a2 = v128.load(gradient + 2 * pixel);
    a3 = v128.load(gradient + 3 * pixel);
  }
  if (weights > 1 && vectors > 1) {
    b1 = v128.load(gradient + pixel, 16);
    b2 = v128.load(gradient + 2 * pixel, 16);
    b3 = v128.load(gradient + 3 * pixel, 16);
  }
  let e = errors;
  for (let oy = 0; oy < shape.outHeight; oy++, input += rowStride) {
    let x = input;
    for (const end = e + row; e < end; e += pixel, x += stride) {
      const ea = v128.load(e), eb = vectors > 1 ? v128.load(e, 16) : ea;
      const x0 = v128.load32_splat(x);
      a0 = addProduct(a0, x0, ea);
      if (vectors > 1) b0 = addProduct(b0, x0, eb);
      if (weights > 1) {
        const x1 = v128.load32_splat(x, 4);
        a1 = addProduct(a1, x1, ea);
        if (vectors > 1) b1 = addProduct(b1, x1, eb);
        const x2 = v128.load32_splat(x, 8);
        a2 = addProduct(a2, x2, ea);
        if (vectors > 1) b2 = addProduct(b2, x2, eb);
        const x3 = v128.load32_splat(x, 12);
        a3 = addProduct(a3, x3, ea);
        if (vectors > 1) b3 = addProduct(b3, x3, eb);
      }
    }
  }
  storeTile(vectors, weights, gradient, pixel, a0, a1, a2, a3, b0, b1, b2, b3);
}

export function inputGradient(shape: Shape, errors: i32, weights: i32, inErrors: i32): void {
  const pixel = shape.outPixel, step = shape.step, channels = shape.channels;
  const tap = channels * pixel;
  for (let y = 0; y < shape.height; y++) {
    const top = firstWindow(y, shape.kernelHeight, step);
    const rows = min(y / step, shape.outHeight - 1) - top + 1;
    for (let x = 0; x < shape.width; x++, inErrors += shape.inPixel) {
      const first = firstWindow(x, shape.kernelWidth, step);
      const columns = min(x / step, shape.outWidth - 1) - first + 1;
      const e = errors + top * shape.outRow + first * pixel;
      const w = weights + ((y - top * step) * shape.kernelWidth + (x - first * step)) * tap;
      let c = 0;
      for (; c + 4 <= channels; c += 4) inputTile(4, shape, rows, columns, e, w + c * pixel, inErrors + 4 * c);
      for (; c < channels; c++) inputTile(1, shape, rows, columns, e, w + c * pixel, inErrors + 4 * c);
    }
  }
}

/** Returns the first of the windows, in one direction, that a pixel lies in. */
@inline
function firstWindow(at: i32, kernel: i32, step: i32): i32 {
  return at < kernel ? 0 : (at - kernel + step) / step;
}

/** Sums over the windows that a pixel lies in: from one to the next, the errors go on and the weights go back. */
@inline
function inputTile(channels: i32, shape: Shape, rows: i32, columns: i32, errors: i32, weights: i32, out: i32): void {
  const pixel = shape.outPixel, outRow = shape.outRow;
  const back = shape.step * shape.channels * pixel, backRow = back * shape.kernelWidth;
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
  for (let oy = 0; oy < rows; oy++, errors += outRow, weights -= backRow) {
    let e = errors, next = weights;
    for (let ox = 0; ox < columns; ox++, next -= back) {
      let w = next;
      for (const end = e + pixel; e < end; e += VECTOR, w += VECTOR) {
        const error = v128.load(e);
        s0 = addProduct(s0, error, v128.load(w));
        if (channels > 1) {
          s1 = addProduct(s1, error, v128.load(w + pixel));
          s2 = addProduct(s2, error, v128.load(w + 2 * pixel));
          s3 = addProduct(s3, error, v128.load(w + 3 * pixel));
        }
      }
    }
  }
  const sums = addNeighbours(addNeighbours(s0, s1), addNeighbours(s2, s3));
  if (channels > 1) v128.store(out, sums);
  else store<f32>(out, f32x4.extract_lane(sums, 0));
}

/** Returns a0 + a1, a2 + a3, b0 + b1, b2 + b3. */
@inline
function addNeighbours(a: v128, b: v128): v128 {
  return f32x4.add(v128.shuffle<f32>(a, b, 0, 2, 4, 6), v128.shuffle<f32>(a, b, 1, 3, 5, 7));
}

export function pool(shape: Shape, input: i32, out: i32): void {
  const pixel = shape.inPixel, row = shape.inRow, step = shape.step;
  for (let oy = 0; oy < shape.outHeight; oy++) {
    for (let ox = 0; ox < shape.outWidth; ox++) {
      const corner = input + oy * step * row + ox * step * pixel;
      for (let v = 0; v < pixel; v += VECTOR, out += VECTOR) {
        let most = v128.load(corner + v);
        for (let ky = 0; ky < shape.kernelHeight; ky++) {
          for (let kx = 0; kx < shape.kernelWidth; kx++) {
            most = f32x4.max(most, v128.load(corner + ky * row + kx * pixel + v));
          }
        }
        v128.store(out, most);
      }
    }
  }
}

export function poolGradient(shape: Shape, input: i32, out: i32, errors: i32, inErrors: i32): void {
  const pixel = shape.inPixel, row = shape.inRow, step = shape.step;
  memory.fill(inErrors, 0, shape.height * row);
  for (let oy = 0; oy < shape.outHeight; oy++) {
    for (let ox = 0; ox < shape.outWidth; ox++) {
      const corner = oy * step * row + ox * step * pixel;
      for (let v = 0; v < pixel; v += VECTOR, out += VECTOR, errors += VECTOR) {
        const most = v128.load(out);
        let error = v128.load(errors);
        for (let ky = 0; ky < shape.kernelHeight; ky++) {
          for (let kx = 0; kx < shape.kernelWidth; kx++) {
            const at = corner + ky * row + kx * pixel + v;
            const found = f32x4.eq(v128.load(input + at), most);
            v128.store(inErrors + at, f32x4.add(v128.load(inErrors + at), v128.and(error, found)));
            error = v128.andnot(error, found);
          }
        }
      }
    }
  }
}

export function update(
  weights: i32, velocity: i32, gradient: i32, count: i32, batch: f32, rate: f32, momentum: f32,
): bool {
  const size = f32x4.splat(batch), r = f32x4.splat(rate), m = f32x4.splat(momentum);
  let seen = f32x4.splat(0);
  for (let i = 0, end = 4 * count; i < end; i += VECTOR) {
    const mean = f32x4.div(v128.load(gradient + i), size);
    const v = f32x4.sub(f32x4.mul(m, v128.load(velocity + i)), f32x4.mul(r, mean));
    const w = f32x4.add(v128.load(weights + i), v);
    v128.store(velocity + i, v);
    v128.store(weights + i, w);
    seen = addUnlessFinite(seen, w);
  }
  return isZero(seen);
}
