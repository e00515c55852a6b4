/** Formats that hold no text before they are unpacked or converted, by the bytes that their files begin with. */
const PACKED: readonly (readonly [format: string, start: readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b]],
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["zip", [0x50, 0x4b, 0x03, 0x04]],
  ["UTF-32", [0xff, 0xfe, 0x00, 0x00]],
  ["UTF-32", [0x00, 0x00, 0xfe, 0xff]],
];

/** The bytes at the start of a file that tell its encoding. */
export const SNIFFED_BYTES = 64;

/** Returns the format of a file that is not read as it is, or undefined for text. */
export function packedFormatOf(start: Uint8Array): string | undefined {
  return PACKED.find(([, bytes]) => bytes.every((byte, i) => start[i] === byte))?.[0];
}

/**
 * Returns a decoder for text in UTF-8 or, as PowerShell's `>` writes it, UTF-16. Without a byte order mark, UTF-16 shows
 * by a zero in every second byte.
 */
export function decoderOf(start: Uint8Array): TextDecoder {
  const pairs = Math.floor(Math.min(start.length, SNIFFED_BYTES) / 2);
  const areZero = (offset: number) =>
    pairs > 1 && Array.from({ length: pairs }, (_, i) => start[2 * i + offset]).every((byte) => byte === 0);
  if ((start[0] === 0xff && start[1] === 0xfe) || areZero(1)) return new TextDecoder("utf-16le");
  if ((start[0] === 0xfe && start[1] === 0xff) || areZero(0)) return new TextDecoder("utf-16be");
  return new TextDecoder();
}

/** Code units in a row that are two letters of ASCII each: text in UTF-16 has no such rows, Chinese not either. */
const PAIRED_LETTERS = 16;

/**
 * Tells that the encoding of a file is another than at its start, by a piece of what was decoded: UTF-16 in UTF-8 leaves
 * NULs, UTF-8 in UTF-16 pairs of letters. Two programs that write one file leave NULs too.
 */
export function midwayFaultOf(text: string, encoding: string): string | undefined {
  const advice = "write one file for each run, in one encoding";
  if (text.includes("\0")) return `has NUL bytes in its ${encoding}: its encoding changes midway; ${advice}`;
  if (encoding === "utf-8") return undefined;
  let pairs = 0;
  for (let i = 0; i < text.length && pairs < PAIRED_LETTERS; i++) {
    const unit = text.charCodeAt(i);
    pairs = isLetter(unit >> 8) && isLetter(unit & 0xff) ? pairs + 1 : 0;
  }
  if (pairs < PAIRED_LETTERS) return undefined;
  return `has plain text in its ${encoding}: its encoding changes midway; ${advice}`;
}

function isLetter(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}
