import { readJson, writeAtomically } from "@turingfog/sdk/node";
import { toJson } from "@turingfog/sdk";

/** A signed transaction that may have been sent. */
export interface Attempt {
  /** The description of its call. */
  call: string;
  from: string;
  nonce: number;
  hash: string;
  gasLimit: bigint;
  maxFeePerGas: bigint;
  maxPriorityFeePerGas: bigint;
}

/**
 * What was signed, written down before it is sent. It is a hint: the chain alone tells what stands. It spares a
 * deployment that was interrupted a second transaction beside the one that waits, and it knows the hashes.
 */
export interface Journal {
  readonly attempts: readonly Attempt[];
  record(attempt: Attempt): Promise<void>;
}

/** A journal that ends with the process. */
export class MemoryJournal implements Journal {
  readonly attempts: Attempt[] = [];

  async record(attempt: Attempt): Promise<void> {
    this.attempts.push(attempt);
  }
}

interface JournalFile {
  chainId: string;
  deployment: string;
  attempts: Record<keyof Attempt, string | number>[];
}

/** A journal in a file, of one deployment on one chain. */
export class FileJournal implements Journal {
  private constructor(
    private readonly file: string,
    private readonly chainId: bigint,
    private readonly deployment: string,
    readonly attempts: Attempt[],
  ) {}

  /** What the file has of the deployment; nothing, when it is of another one. */
  static async open(file: string, chainId: bigint, deployment: string): Promise<FileJournal> {
    const written = (await readJson(file)) as JournalFile | undefined;
    const isSame = written?.chainId === chainId.toString() && written.deployment === deployment;
    return new FileJournal(file, chainId, deployment, isSame ? written.attempts.map(parseAttempt) : []);
  }

  async record(attempt: Attempt): Promise<void> {
    this.attempts.push(attempt);
    const { chainId, deployment, attempts } = this;
    await writeAtomically(this.file, `${toJson({ chainId, deployment, attempts })}\n`);
  }
}

function parseAttempt(written: JournalFile["attempts"][number]): Attempt {
  return {
    call: String(written.call),
    from: String(written.from),
    nonce: Number(written.nonce),
    hash: String(written.hash),
    gasLimit: BigInt(written.gasLimit),
    maxFeePerGas: BigInt(written.maxFeePerGas),
    maxPriorityFeePerGas: BigInt(written.maxPriorityFeePerGas),
  };
}
