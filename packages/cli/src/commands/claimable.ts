import { explorerPage } from "@turingfog/sdk";

import { deployedCommand, openDeployment } from "../lib/deployed.js";
import { accountOf, bucketTable, claimableOf, earningsOf, formatTft } from "../lib/miner.js";
import { type Output, outputOf } from "../lib/output.js";
import { KEYSTORE } from "../lib/sender.js";
import { indent } from "../lib/steps.js";

export const command = deployedCommand({
  description: `Shows what an account has earned and not claimed: by round and asset, from which settlements, and how many TFT it can claim now.

A round of an asset can be claimed once all that was earned in it is burned or sold. Nothing is lost by waiting.

--json prints {account, recipient, claimable, claimed, buckets}; TFT have 18 decimals.`,
  examples: [
    "turingfog claimable --network sepolia --account 0x…",
    "turingfog claimable --network sepolia --keystore owner.json",
  ],
})
  .option("--account <ADDRESS>", "payout account of nodes; default: that of the key")
  .option("--settlements", "also show the transactions and the roots that it comes from", false)
  .addOption(KEYSTORE)
  .action((values) => claimable(values, outputOf(values)));

interface Values {
  network: string;
  deployments: string;
  account?: string;
  settlements: boolean;
  keystore?: string;
}

async function claimable(values: Values, output: Output): Promise<void> {
  const account = await accountOf(values.network, "account", values);
  const deployment = await openDeployment(values);
  const { buckets, claimed, recipient, tokens } = await earningsOf(deployment, account, output);
  const { chain } = deployment.connection;
  const now = claimableOf(buckets);
  const sources = buckets.flatMap(({ round, settlements }) =>
    settlements.map(({ transaction, orderIds, receiptsRoot }) =>
      [
        `Round ${round}: orders ${[...new Set(orderIds)].join(", ")}`,
        receiptsRoot === undefined ? "by acknowledgement" : `by root ${receiptsRoot}`,
        explorerPage(chain, "tx", transaction) ?? transaction,
      ].join(", "),
    ),
  );
  const lines = [
    buckets.length === 0 ? `${account} has nothing that waits to be claimed` : bucketTable(buckets, tokens),
    ...(values.settlements ? [indent(sources.join("\n"))] : []),
    `${account} can claim ${formatTft(now)} now, and has claimed ${formatTft(claimed)}`,
    ...(recipient === account ? [] : [`What others claim for it goes to ${recipient}`]),
  ];
  output.result({ account, recipient, claimable: now, claimed, buckets }, lines.join("\n"));
}
