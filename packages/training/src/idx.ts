import { TuringFogError } from "@turingfog/sdk";

/** Thrown when a file is no IDX file of bytes. */
export class IdxError extends TuringFogError {}

/** Values of an IDX file: of images, rows and columns below each other; of labels, one after another. */
export interface IdxFile {
  /** Images first, then rows, columns and channels. */
  sides: number[];
  values: Uint8Array;
}

const HEADER = 4;
const BYTES = 8;

/**
 * Reads the format in which MNIST and its successors are published (http://yann.lecun.com/exdb/mnist): two zeros, the type
 * of the values, the number of sides, each side as a big-endian integer of 32 bits, then the values.
 * @throws IdxError
 */
export function readIdx(bytes: Uint8Array): IdxFile {
  if (bytes.length < HEADER) throw new IdxError(`An IDX file has ${bytes.length} bytes, expected at least ${HEADER}`);
  const [zero, alsoZero, type, count] = bytes;
  if (zero !== 0 || alsoZero !== 0 || type !== BYTES || count === 0) {
    const found = [...bytes.subarray(0, HEADER)].join(", ");
    throw new IdxError(
      `An IDX file begins with the bytes ${found}; expected 0, 0, 8 (for bytes) and the number of sides`,
    );
  }
  const start = HEADER + 4 * count;
  if (bytes.length < start)
    throw new IdxError(`An IDX file has ${bytes.length} bytes, expected ${count} sides in ${start}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sides = Array.from({ length: count }, (_, i) => view.getUint32(HEADER + 4 * i));
  const size = sides.reduce((product, side) => product * side, 1);
  if (bytes.length !== start + size) {
    throw new IdxError(
      `An IDX file has ${bytes.length} bytes, expected ${start + size} for ${sides.join(" × ")} values`,
    );
  }
  return { sides, values: bytes.subarray(start) };
}
