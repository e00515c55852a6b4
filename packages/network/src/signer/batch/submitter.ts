import { type Connection, FileJournal, InsufficientBalanceError, KeySender } from "@turingfog/operator";
import { reasonOf, type Health, step } from "../../runtime/index.js";
import { collectQuorum, readSignerSet, type SystemContracts, TUReceiptOracle__factory } from "@turingfog/sdk/ethers";
import { RootStatus } from "@turingfog/sdk";
import type { OracleMessages, Signature } from "@turingfog/sdk/wire";
import type { Wallet } from "ethers";
import type { Logger } from "pino";

export const SUBMITTER_STEPS = ["signer.submission.before-send", "signer.submission.done"] as const;

export interface SubmitterOptions {
  /** Pays for the transactions. */
  gasKey: Wallet;
  connect: () => Promise<Connection>;
  contracts: (connection: Connection) => SystemContracts;
  /** File of what was sent, so that a signer that was killed sends no second transaction beside the first. */
  journal: string;
  maxFeePerGas?: bigint;
  log: Logger;
  health: Health;
}

/** Submits roots to the oracle, one at a time. That somebody else has done it is success. */
export class Submitter {
  private running?: Promise<void>;
  /** Roots and signer sets under which they were found submitted: it takes long until final blocks tell of them. */
  private readonly done = new Set<string>();

  constructor(private readonly options: SubmitterOptions) {}

  get isBusy(): boolean {
    return this.running !== undefined;
  }

  /** Says whether a root was found submitted under a signer set, since the process began. */
  isDone({
    receiptsRoot,
    signerSetVersion,
  }: Pick<OracleMessages["ReceiptBatch"], "receiptsRoot" | "signerSetVersion">) {
    return this.done.has(`${receiptsRoot} ${signerSetVersion}`);
  }

  /** Begins to submit a root, unless one is being submitted. */
  start(batch: OracleMessages["ReceiptBatch"], signatures: readonly Signature[]): void {
    const { health, log } = this.options;
    this.running ??= this.submit(batch, signatures)
      .then(
        () => {
          this.done.add(`${batch.receiptsRoot} ${batch.signerSetVersion}`);
          health.report("submission", "ok");
        },
        (error: unknown) => {
          const state = error instanceof InsufficientBalanceError ? "failed" : "waiting";
          health.report("submission", state, reasonOf(error));
          log.warn({ receiptsRoot: batch.receiptsRoot, reason: reasonOf(error) }, "root not submitted");
        },
      )
      .finally(() => (this.running = undefined));
  }

  async settled(): Promise<void> {
    await this.running;
  }

  private async submit(batch: OracleMessages["ReceiptBatch"], signatures: readonly Signature[]): Promise<void> {
    const { gasKey, connect, contracts, journal, maxFeePerGas, log } = this.options;
    const { receiptsRoot, dataHash, signerSetVersion } = batch;
    const connection = await connect();
    const { oracle } = contracts(connection);
    const to = await oracle.getAddress();
    const isDone = async () => {
      const [status] = await oracle.status(receiptsRoot);
      return [RootStatus.Pending, RootStatus.Final, RootStatus.Vetoed].includes(Number(status));
    };
    if (await isDone()) return;
    const quorum = await collectQuorum(await readSignerSet(oracle), "ReceiptBatch", batch, signatures, gasKey.address);
    const sender = new KeySender(gasKey.connect(connection.provider), connection, {
      maxFeePerGas,
      journal: await FileJournal.open(journal, connection.chainId, to),
      say: (line) => log.info({ receiptsRoot }, line),
    });
    step("signer.submission.before-send");
    await sender.submit(
      [
        {
          description: `Submit root ${receiptsRoot} under signer set ${signerSetVersion}`,
          to,
          data: TUReceiptOracle__factory.createInterface().encodeFunctionData("submit", [
            receiptsRoot,
            dataHash,
            quorum,
          ]),
        },
      ],
      isDone,
    );
    step("signer.submission.done");
    log.info({ receiptsRoot, dataHash }, "root submitted");
  }
}
