import { readJson, writeAtomically } from "@turingfog/sdk/node";
import { toJson } from "@turingfog/sdk";

/** A signed transaction that may have been sent. */
export interface Attempt {
  /** Description of the call. */
  call: string;
  from: string;
  nonce: number;
  hash: string;
  gasLimit: bigint;
  maxFeePerGas: bigint;
  maxPriorityFeePerGas: bigint;
}

/**
 * A record of signed transactions, each written before it is sent. It is a hint: only the chain shows what is deployed.
 * With it, a resumed deployment finds the transaction that is still waiting and does not send a second one beside it.
 */
export interface Journal {
  readonly attempts: readonly Attempt[];
  record(attempt: Attempt): Promise<void>;
}

/** A journal in memory, which ends with the process. */
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

/** A journal of one deployment on one chain, in a file. */
export class FileJournal implements Journal {
  private constructor(
    private readonly file: string,
    private readonly chainId: bigint,
    private readonly deployment: string,
    readonly attempts: Attempt[],
  ) {}

  /** Opens the journal of a deployment. It starts empty if the file is missing or belongs to another deployment. */
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
