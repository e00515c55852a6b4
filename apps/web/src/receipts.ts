import { TuringFogError } from "@turingfog/sdk";
import { type Receipt, readReceiptFile, type ReceiptTable, ReceiptTree } from "@turingfog/sdk/wire";

/** The largest file that a browser is asked to keep: about a million receipts. */
const MAX_BYTES = 200_000_000;

/** Thrown when a file is not the one that a root was made of. */
export class OtherFileError extends TuringFogError {
  constructor(what: "hash" | "root", got: string, expected: string) {
    super(`The file's ${what} is ${got}, the oracle has taken ${expected}: it is another file`);
  }
}

/** Thrown when no server has a file. */
export class NoFileError extends TuringFogError {
  constructor(refusals: readonly string[]) {
    super(
      `No signer has given the file: ${refusals.join("; ")}. Ask a signer for it, and check it as a file of your own`,
    );
  }
}

/**
 * Opens the file of a root at the first server that has it.
 * @throws NoFileError
 */
export async function downloadReceipts(
  servers: readonly string[],
  dataHash: string,
): Promise<ReadableStream<Uint8Array>> {
  const refusals: string[] = [];
  for (const server of servers) {
    const host = new URL(server).host;
    try {
      const { ok, status, body } = await fetch(`${server}/v1/receipts/${dataHash}`);
      if (ok && body !== null) return body;
      refusals.push(`${host} answered ${status}`);
    } catch {
      refusals.push(`${host} did not answer`);
    }
  }
  throw new NoFileError(refusals);
}

/**
 * Reads a file of receipts as it arrives, and checks it against what the oracle has taken. Returns its receipts.
 * @throws OtherFileError, and what `readReceiptFile` throws for a file of another form
 */
export async function checkReceipts(
  stream: ReadableStream<Uint8Array>,
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
      const receipts = await checkReceipts(await downloadReceipts(servers, expected.dataHash), expected);
      const own = receipts.filter(({ nodeId }) => nodeIds.has(nodeId));
      findings.found.push(...own.map((receipt) => ({ root, receipt })));
    } catch (error) {
      if (!(error instanceof TuringFogError)) throw error;
      findings.problems.push(`${root.slice(0, 10)}…: ${error.message}`);
    }
  }
  return findings;
}
