import { ends, main, newCommand, type Output, outputOf, table, UsageError } from "@turingfog/cli";
import { NoRpcUrlError, rpcUrl, rpcVariable } from "@turingfog/operator";
import { chainNamed } from "@turingfog/sdk";
import { readAddresses } from "@turingfog/sdk/node";

import { auditIndex, type Figure } from "../apps/indexer/audit/audit";

interface Values {
  index: string;
  network: string;
  deployments: string;
}

async function run({ index, network, deployments }: Values, output: Output): Promise<number> {
  chainNamed(network);
  if (!/^https?:/.test(index) || !URL.canParse(index)) {
    throw new UsageError(`--index is ${index}, must be a URL that begins with http:// or https://`);
  }
  const node = rpcUrl(network);
  if (node === undefined) throw new NoRpcUrlError(network, rpcVariable(network));

  const verdict = await auditIndex(index, node, await readAddresses(network, deployments));
  const { block, blockHash, events, buckets, figures, differences } = verdict;
  const head = `block ${block} ${blockHash}: ${events} events, ${buckets} buckets, ${figures} figures`;
  const wrong =
    differences.length === 0 ? "all equal" : `${differences.length} differ\n\n${table(differences.map(row))}`;
  output.result(verdict, `${head}, ${wrong}`);
  return differences.length === 0 ? 0 : 1;
}

function row({ name, fromEvents, indexed, onChain }: Figure): string[] {
  return [name, `events ${shown(fromEvents)}`, `index ${shown(indexed)}`, `chain ${shown(onChain)}`];
}

function shown(value: bigint | null): string {
  return value === null ? "-" : String(value);
}

main(
  newCommand({
    description: `Recomputes the supply, what was released, what the escrow owes and every bucket from the events of an index, by
the SDK's rules, and compares them with the index's tables and with the chain at the index's block.

Ends with 0 when all are equal, with 1 when a figure differs, which is named, or cannot be read, and with 2 when it is
called wrongly.`,
    examples: [
      "npm run audit:index",
      "npm run audit:index -- --index https://index.example.org --network sepolia --json",
    ],
  })
    .name("npm run audit:index --")
    .option("--index <URL>", "where the index serves", "http://127.0.0.1:42069")
    .option("--network <NAME>", "the index's chain; the URL of its node is taken from NAME_RPC_URL", "localhost")
    .option("--deployments <DIR>", "folder of the address books", "deployments")
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
