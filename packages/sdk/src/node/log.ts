import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

import { decoderOf, midwayFaultOf, packedFormatOf } from "../tu/encoding.js";
import { RefusedLogError } from "../tu/logFault.js";
import { LogReader } from "../tu/logText.js";
import type { LogMeasurement } from "../tu/logVerdict.js";

/** Longer lines are noise of TensorFlow's; what is beyond is not kept. */
const MAX_LINE_LENGTH = 4_096;

/**
 * Reads a console log of tf_cnn_benchmarks, of any length: what its last finished run of each network has measured.
 * Which network and which GPU that is, the log itself says; the name of the file says nothing.
 * @param card the card, for a driver that names only its chip
 * @param content of the log; that of the file if left out
 * @throws RefusedLogError, InvalidThroughputError, ZeroThroughputError, OutOfRangeError, as `LogReader.measurements`
 */
export async function readLog(
  file: string,
  card?: string,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array> = createReadStream(file) as AsyncIterable<Buffer>,
): Promise<LogMeasurement[]> {
  const hash = createHash("sha256");
  const reader = new LogReader();
  let decoder: TextDecoder | undefined;
  let rest = "";
  for await (const chunk of content) {
    hash.update(chunk);
    if (decoder === undefined) {
      const format = packedFormatOf(chunk);
      if (format !== undefined) throw new RefusedLogError(file, "not text", `is in ${format}; convert it to text`);
      decoder = decoderOf(chunk);
    }
    const text = decoder.decode(chunk, { stream: true });
    const fault = midwayFaultOf(text, decoder.encoding);
    if (fault !== undefined) throw new RefusedLogError(file, "not text", fault);
    const lines = (rest + text).split(/\r\n|\r|\n/);
    rest = (lines.pop() as string).slice(0, MAX_LINE_LENGTH);
    for (const line of lines) reader.read(line);
  }
  reader.readRest(rest);
  return reader.measurements(file, `0x${hash.digest("hex")}`, card);
}
