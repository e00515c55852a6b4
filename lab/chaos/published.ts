import { RootStatus } from "@turingfog/sdk";
import { decodeReceiptFile, type MeteredReceipt, ROOTS } from "@turingfog/sdk/wire";

import type { World } from "./world";

/** The receipts of a root that was submitted. */
export interface PublishedFile {
  receiptsRoot: string;
  dataHash: string;
  receipts: MeteredReceipt[];
}

/** What signers have published of the roots that were submitted. */
export class Published {
  readonly files = new Map<string, PublishedFile>();

  constructor(private readonly world: World) {}

  /** Reads what has come since the last time. */
  async read(): Promise<void> {
    const { roots } = ROOTS.decode(await this.world.ask("/v1/roots?after=0"));
    for (const { receiptsRoot, dataHash } of roots.filter((each) => !this.files.has(each.dataHash))) {
      if ((await this.status(receiptsRoot)) === RootStatus.Unknown) continue;
      const receipts = decodeReceiptFile(await this.world.ask(`/v1/receipts/${dataHash}`));
      this.files.set(dataHash, { receiptsRoot, dataHash, receipts });
    }
  }

  async status(receiptsRoot: string): Promise<RootStatus> {
    const [status] = await this.world.protocol.contracts.oracle.status(receiptsRoot);
    return Number(status);
  }

  /** Returns the TU of an order and node in the highest receipt that was submitted. */
  submittedTU(orderId: bigint, nodeId: bigint): bigint {
    const receipts = [...this.files.values()].flatMap((file) => file.receipts);
    const own = receipts.filter((each) => each.orderId === orderId && each.nodeId === nodeId);
    return own.reduce((most, { cumulativeTU }) => (cumulativeTU > most ? cumulativeTU : most), 0n);
  }
}
