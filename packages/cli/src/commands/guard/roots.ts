import { type PendingRoot, readPendingRoots } from "@turingfog/network";
import { formatDuration, formatInstant } from "@turingfog/sdk";

import { ends } from "../../lib/command.js";
import { deployedCommand, openDeployment } from "../../lib/deployed.js";
import { type Output, outputOf, table } from "../../lib/output.js";
import { formatTU } from "../../lib/token.js";

export const command = deployedCommand({
  description: `Lists the pending roots of receipts, the next one to be final first: fetches the file of each, and checks it as a watch does.

Needs no key, and writes nothing. Reads final blocks; a watch also compares each node with its own past. Ends with 0 if all are
right, and with 1 if something is wrong with one or its file is not to be had: then it says how to veto it. A root whose block is
not final yet is not listed.

--json prints {block, time, now, roots}, now the time of the latest block, each root with {root, counts, missing, findings, next}; TU have 18 decimals.`,
  examples: ["turingfog guard roots --network sepolia --signer https://a.example https://b.example"],
})
  .requiredOption("--signer <URL...>", "endpoints of signers, which have the receipt files and tell where others are")
  .action(async (values) => ends(await list(values, outputOf(values))));

interface Values {
  network: string;
  deployments: string;
  signer: string[];
}

async function list({ signer: signers, ...values }: Values, output: Output): Promise<number> {
  const { connection, book } = await openDeployment(values);
  output.doing("Checking the pending roots");
  const { block, time, now, roots } = await readPendingRoots(connection, book, signers);
  const listed = roots.map((each) => ({ ...each, next: isRight(each) ? null : vetoOf(each, values.network) }));
  const asOf = `block ${block}, ${formatInstant(time)}, which is final; later ones are not listed`;
  const text = listed.map((each) => table(rowsOf(each, each.next, now)));
  text.push(roots.length === 0 ? `No root is pending as of ${asOf}` : `${roots.length} pending as of ${asOf}`);
  output.result({ block, time, now, roots: listed }, text.join("\n\n"));
  return roots.every(isRight) ? 0 : 1;
}

function isRight({ counts, findings }: PendingRoot): boolean {
  return counts !== undefined && findings.length === 0;
}

function vetoOf({ root }: PendingRoot, network: string): string {
  return `turingfog guard veto --root ${root.receiptsRoot} --network ${network}`;
}

function rowsOf(pending: PendingRoot, next: string | null, now: bigint): string[][] {
  const { root, counts, missing } = pending;
  const { receiptsRoot, dataHash, submittedAt, finalAt = 0n } = root;
  const left = finalAt > now ? `in ${formatDuration(finalAt - now)}` : "by now";
  return [
    ["root", receiptsRoot],
    ["data hash", dataHash],
    ["submitted", formatInstant(submittedAt)],
    ["final", `${formatInstant(finalAt)}, ${left}`],
    ...(missing ?? []).map((reason) => ["file", `not found: ${reason}`]),
    ...(counts === undefined ? [] : [["file", describeCounts(counts)]]),
    ["check", checkOf(pending)],
    ...(next === null ? [] : [["next", next]]),
  ];
}

function describeCounts({ receipts, orders, nodes, tu }: NonNullable<PendingRoot["counts"]>): string {
  return `${receipts} receipts of ${orders} orders on ${nodes} nodes, ${formatTU(tu)}, each from its order's start`;
}

function checkOf({ missing, findings }: PendingRoot): string {
  if (missing !== undefined)
    return "none, without the file: ask signers for it, and veto before the root is final if none has it";
  if (findings.length === 0) return "right";
  return findings
    .map(({ name, isContradiction, count, example }) => {
      return `${name}${isContradiction ? "" : ", which honest signers may sign"}, ${count} times: ${example}`;
    })
    .join("; ");
}
