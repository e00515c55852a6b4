import { TuringFogError } from "@turingfog/sdk";
import { type Receipt, readReceiptFile, type ReceiptTable, ReceiptTree, type WebStream } from "@turingfog/sdk/wire";

/** The largest file that a browser is asked to keep: about a million receipts. */
const MAX_BYTES = 200_000_000;

/** Thrown when a file is not the one that a root was made of. */
export class OtherFileError extends TuringFogError {
  constructor(
    readonly what: "hash" | "root",
    got: string,
    expected: string,
  ) {
    super(`The file's ${what} is ${got}, the oracle has taken ${expected}: it is another file`);
  }
}

/** Thrown when no server has given the right file. */
export class NoFileError extends TuringFogError {
  constructor(refusals: readonly string[]) {
    super(
      `No signer has given the file: ${refusals.join("; ")}. Ask a signer for it, and check it as a file of your own`,
    );
  }
}

/** What a browser waits for a server. */
export interface Patience {
  /** Milliseconds until a server must have sent something. */
  wait: number;
  /** Bytes in a millisecond that it must send then, on the average. */
  rate: number;
}

/** A line of a tenth of a megabit a second keeps it. */
const PATIENCE: Patience = { wait: 15_000, rate: 12 };

/**
 * Reads the file of a root at each server in turn, until one has given the right one: one that lies must not hide it.
 * @throws NoFileError
 * @throws OtherFileError if the file has the hash that the oracle has taken, and another root
 */
export async function fetchReceipts(
  servers: readonly string[],
  expected: { root: string; dataHash: string },
  patience = PATIENCE,
): Promise<ReceiptTable> {
  const refusals: string[] = [];
  for (const server of servers) {
    const { host } = new URL(server);
    const ending = new AbortController();
    try {
      return await checkReceipts(await open(`${server}/v1/receipts/${expected.dataHash}`, ending, patience), expected);
    } catch (error) {
      // whoever gives a file of this hash gives this one
      if (error instanceof OtherFileError && error.what === "root") throw error;
      if (!(error instanceof TuringFogError)) throw error;
      refusals.push(`${host}: ${error.message}`);
    } finally {
      ending.abort();
    }
  }
  throw new NoFileError(refusals);
}

/** Thrown when a server does not give a file. */
class RefusedFileError extends TuringFogError {}

/** Opens a file, whose chunks must come as fast as the patience has it. */
async function open(url: string, ending: AbortController, { wait, rate }: Patience): Promise<WebStream> {
  const began = performance.now();
  let bytes = 0;
  const inTime = async <T>(answer: Promise<T>): Promise<T> => {
    const left = began + wait + bytes / rate - performance.now();
    const timer = setTimeout(() => ending.abort(), left);
    try {
      return await answer;
    } catch {
      throw new RefusedFileError(ending.signal.aborted ? "was too slow" : "did not answer");
    } finally {
      clearTimeout(timer);
    }
  };
  const { ok, status, body } = await inTime(fetch(url, { signal: ending.signal }));
  if (!ok || body === null) throw new RefusedFileError(`answered ${status}`);
  const reader = body.getReader();
  const read = async () => {
    const chunk = await inTime(reader.read());
    bytes += chunk.value?.length ?? 0;
    return chunk;
  };
  // a body that was aborted refuses to be cancelled
  return { getReader: () => ({ read, cancel: () => reader.cancel().catch(() => undefined) }) };
}

/**
 * Reads a file of receipts as it arrives, and checks it against what the oracle has taken. Returns its receipts.
 * @throws OtherFileError, and what `readReceiptFile` throws for a file of another form
 */
export async function checkReceipts(
  stream: WebStream,
  expected: { root: string; dataHash: string },
): Promise<ReceiptTable> {
  const file = await readReceiptFile(stream, { maxBytes: MAX_BYTES });
  if (file.dataHash !== expected.dataHash) throw new OtherFileError("hash", file.dataHash, expected.dataHash);
  const { root } = await ReceiptTree.of(file.receipts);
  if (root !== expected.root) throw new OtherFileError("root", root, expected.root);
  return file.receipts;
}

/** A receipt in the file of a root. */
export interface Found {
  root: string;
  receipt: Receipt;
}

/** What the files of several roots hold of some nodes, and why files could not be read. */
export interface Findings {
  found: Found[];
  problems: string[];
}

/** Reads the files of roots one after the other, checks each, and keeps the receipts of some nodes. */
export async function findReceipts(
  servers: readonly string[],
  roots: readonly { root: string; dataHash: string }[],
  nodeIds: ReadonlySet<bigint>,
): Promise<Findings> {
  const findings: Findings = { found: [], problems: [] };
  for (const expected of roots) {
    const { root } = expected;
    try {
      const receipts = await fetchReceipts(servers, expected);
      for (const receipt of receipts) if (nodeIds.has(receipt.nodeId)) findings.found.push({ root, receipt });
    } catch (error) {
      if (!(error instanceof TuringFogError)) throw error;
      findings.problems.push(`${root.slice(0, 10)}…: ${error.message}`);
    }
  }
  return findings;
}
