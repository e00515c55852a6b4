import { constants, open, readlink, realpath } from "node:fs/promises";
import path from "node:path";

import { TuringFogError } from "@turingfog/sdk";

/** Thrown when a file that a stranger may have written is not read. */
export class IrregularFileError extends TuringFogError {
  constructor(
    readonly file: string,
    reason: string,
  ) {
    super(`${file} ${reason}`);
  }
}

/**
 * Reads a file below a folder in which strangers write. Follows no link, waits for no writer, and reads no more than there
 * was when it was opened.
 * @param name path below the folder
 * @throws IrregularFileError on what is no file, is elsewhere, or has more bytes than `maxBytes`
 */
export async function readRegular(folder: string, name: string, maxBytes: number): Promise<Buffer> {
  return readEnd(folder, name, maxBytes, maxBytes);
}

/** Reads the last bytes of such a file, however many it has. @throws as `readRegular` */
export function readTail(folder: string, name: string, most: number): Promise<Buffer> {
  return readEnd(folder, name, most, Infinity);
}

async function readEnd(folder: string, name: string, most: number, maxBytes: number): Promise<Buffer> {
  const file = path.join(folder, name);
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const handle = await open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ELOOP" ? new IrregularFileError(file, "is a link") : error;
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new IrregularFileError(file, "is neither a file nor a folder");
    // a folder on the way may be a link by now; where the system does not tell, that is not seen
    const found = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => undefined);
    const expected = path.join(await realpath(folder), name);
    if (found !== undefined && found !== expected) throw new IrregularFileError(file, "is in another folder by now");
    if (stats.size > maxBytes)
      throw new IrregularFileError(file, `has ${stats.size} bytes, at most ${maxBytes} are read`);
    const length = Math.min(stats.size, most);
    const content = Buffer.alloc(length);
    let filled = 0;
    for (let read = -1; filled < length && read !== 0; filled += read) {
      read = (await handle.read(content, filled, length - filled, stats.size - length + filled)).bytesRead;
    }
    return content.subarray(0, filled);
  } finally {
    await handle.close();
  }
}
