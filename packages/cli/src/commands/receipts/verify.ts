import { createReadStream } from "node:fs";

import { formatInstant, RootStatus } from "@turingfog/sdk";
import { connectContracts, readEvents, timelockWitness } from "@turingfog/sdk/ethers";
import { readingOf } from "@turingfog/sdk/node";
import { readReceiptFile, ReceiptTree } from "@turingfog/sdk/wire";

import { ends, newCommand, wholeNumber } from "../../lib/command.js";
import { DEPLOYMENTS, openDeployment } from "../../lib/deployed.js";
import { type Output, outputOf, table } from "../../lib/output.js";
import { progressOn } from "../../lib/progress.js";
import { formatTU } from "../../lib/token.js";

const MIB = 1_048_576;

export const command = newCommand({
  description: `Checks a published receipt file: that it is in canonical form, byte for byte, and what its root, hash and totals are.

With --network also checks that the oracle has this root, and that its signers have signed this file's hash with it. Ends with 1 if
anything differs, or if the root was vetoed or has expired.

--json prints {receipts, orders, nodes, tu, from, to, receiptsRoot, dataHash, chain}; TU have 18 decimals.`,
  examples: ["turingfog receipts verify receipts.json", "turingfog receipts verify receipts.json --network sepolia"],
})
  .argument("<FILE>", "the file, as signers serve it at /v1/receipts/HASH")
  .option("--network <NAME>", "a chain of docs/networks.md, to compare with its oracle")
  .addOption(DEPLOYMENTS)
  .option("--max-mib <N>", "the most MiB to read", "200")
  .action(async (file, values) => ends(await verify(file, values, outputOf(values))));

interface Values {
  network?: string;
  deployments: string;
  maxMib: string;
}

/** What the oracle says of a root. */
interface OnChain {
  status: keyof typeof RootStatus;
  /** When it is or was final, in unix seconds; 0 unless it is pending or final. */
  finalAt: bigint;
  /** Hash of the file that the signers have signed with the root; null if there is no such root. */
  dataHash: string | null;
}

async function verify(file: string, values: Values, output: Output): Promise<number> {
  const maxBytes = wholeNumber("max-mib", values.maxMib, 1) * MIB;
  output.doing("Reading the file");
  const { receipts, dataHash } = await readingOf(file, readReceiptFile(chunksOf(file), { maxBytes }));
  const [orders, nodes] = [new Set<bigint>(), new Set<bigint>()];
  let [tu, from, to] = [0n, 2n ** 40n, 0n];
  for (const { orderId, nodeId, cumulativeTU, measuredAt } of receipts) {
    orders.add(orderId);
    nodes.add(nodeId);
    tu += cumulativeTU;
    if (measuredAt < from) from = measuredAt;
    if (measuredAt > to) to = measuredAt;
  }
  output.doing("Hashing the tree");
  const { root: receiptsRoot } = await ReceiptTree.of(receipts);
  const counts = { receipts: receipts.length, orders: orders.size, nodes: nodes.size, tu, from, to };
  const chain = values.network === undefined ? undefined : await onChain(values.network, values, receiptsRoot, output);
  const fault = chain === undefined ? undefined : faultOf(chain, dataHash);
  const rows = [
    ["receipts", `${receipts.length} of ${orders.size} orders on ${nodes.size} nodes, in canonical form`],
    ["measured", `${formatInstant(from)} to ${formatInstant(to)}`],
    ["delivered", `${formatTU(tu)} in all, each receipt from its order's start`],
    ["root", receiptsRoot],
    ["SHA-256", dataHash],
  ];
  if (chain !== undefined) rows.push(["oracle", fault ?? `has it with this file: ${finalText(chain)}`]);
  output.result({ ...counts, receiptsRoot, dataHash, chain: chain ?? null }, table(rows));
  return fault === undefined ? 0 : 1;
}

/** Reads a file once it is asked for, so that one that cannot be read is an error of the reading. */
async function* chunksOf(file: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(file) as AsyncIterable<Uint8Array>;
}

async function onChain(
  network: string,
  { deployments }: Values,
  receiptsRoot: string,
  output: Output,
): Promise<OnChain> {
  const { connection, book } = await openDeployment({ network, deployments });
  const { provider } = connection;
  const { oracle, timelock } = connectContracts(book.addresses, provider);
  const [status, finalAt] = await oracle.status(receiptsRoot);
  const range = { provider, since: book.firstBlock ?? 0, onProgress: progressOn(output) };
  const [submitted] = await readEvents(range, await timelockWitness(timelock), {
    contract: oracle,
    event: oracle.filters.RootSubmitted,
    args: [receiptsRoot],
  });
  const dataHash = submitted.at(-1)?.args.dataHash ?? null;
  return { status: RootStatus[Number(status)] as OnChain["status"], finalAt, dataHash };
}

function finalText({ status, finalAt }: OnChain): string {
  return `${status === "Final" ? "final since" : "pending, final at"} ${formatInstant(finalAt)}`;
}

/** Says what the oracle holds against a file, if anything. */
function faultOf({ status, dataHash: signed }: OnChain, dataHash: string): string | undefined {
  if (status === "Unknown") return "has no such root";
  if (signed !== dataHash) return `has the root with a file whose SHA-256 is ${signed}`;
  return status === "Vetoed" || status === "Expired" ? `${status.toLowerCase()}: nothing is paid by it` : undefined;
}
