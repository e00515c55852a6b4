import { rm } from "node:fs/promises";
import path from "node:path";

import {
  addressBook,
  type AddressBook,
  awaitFinality,
  completeDeployment,
  connect,
  type Connection,
  type DeploymentPlan,
  FileJournal,
  IN_PROCESS,
  MemoryJournal,
  planDeployment,
  preflight,
  readAddressBook,
  readBuild,
  readParameters,
  type Sender,
  writeAddressBook,
} from "@turingfog/operator";
import { TuringFogError } from "@turingfog/sdk";

import { ends, newCommand } from "../../lib/command.js";
import { type Output, outputOf, table } from "../../lib/output.js";
import { confirm } from "../../lib/confirm.js";
import { DEPLOYMENTS, NETWORK, PARAMETERS } from "../../lib/deployed.js";
import { describePlan, type Planned } from "../../lib/preflight.js";
import { DRY_RUN, KEYSTORE, MAX_FEE, openSender, SAFE, type SenderValues, YES } from "../../lib/sender.js";

export const command = newCommand({
  description: `Deploys TuringFog, or resumes an interrupted deployment.

Tries every transaction first, and sends nothing if one would fail. Shows what it will do, and asks before it sends. Each
transaction creates one contract; no order can be opened before the last. The sender keeps no power except what the
parameters give it. Reads from the chain which contracts are deployed: a complete deployment is only read, and the command
says that it sent nothing. Waits until the last block is final, and writes deployments/NAME.json. The network "hardhat" is a
rehearsal in process: it ends with the command and writes nothing.

--json prints the address book, or the findings of --dry-run and --safe.`,
  examples: [
    "turingfog deploy run --network localhost --parameters deploy/parameters/local.json5",
    "turingfog deploy run --network sepolia --parameters sepolia.json5 --keystore deployer.json --dry-run",
    "turingfog deploy run --network ethereum --parameters mainnet.json5 --safe batch.json",
  ],
})
  .addOption(NETWORK)
  .addOption(PARAMETERS)
  .addOption(DEPLOYMENTS)
  .addOption(KEYSTORE)
  .addOption(SAFE)
  .addOption(MAX_FEE)
  .addOption(DRY_RUN)
  .addOption(YES)
  .action(async (values) => ends(await run(values, outputOf(values))));

/** Thrown when the network's address book is that of another deployment, which is still on the chain. */
class OtherDeploymentError extends TuringFogError {
  constructor({ network, addresses }: AddressBook) {
    super(
      `deployments/${network}.json is the address book of another deployment, whose Genesis stands at ` +
        `${addresses.genesis}: parameters or build have changed since. Go back to them, or move the file away to ` +
        "deploy a second system",
    );
  }
}

/** Thrown when problems prevent a deployment on its network. */
class NotPossibleError extends TuringFogError {
  constructor(readonly problems: string[]) {
    super(problems.join("\n"));
  }
}

interface Task extends Planned {
  sender: Sender;
}

interface Values extends SenderValues {
  network: string;
  parameters: string;
  deployments: string;
}

async function run(values: Values, output: Output): Promise<number> {
  const parameters = readParameters(values.parameters);
  const connection = await connect(values.network);
  const build = await readBuild();
  const plan = planDeployment(parameters, build);
  const directory = values.deployments;
  const earlier = await readAddressBook(values.network, directory);
  await refuseAnother(plan, earlier, connection);

  const file = path.join(directory, `${values.network}.sent.json`);
  const isRehearsal = connection.name === IN_PROCESS;
  const journal = isRehearsal ? new MemoryJournal() : await FileJournal.open(file, connection.chainId, plan.id);
  const title = `Deploy TuringFog to ${connection.chain.title}`;
  const sender = await openSender(connection, values, output, title, journal);
  const isSafe = values.safe !== undefined;
  output.doing("Trying every transaction");
  const found = await preflight(plan, parameters, build, connection, sender.address, isSafe);

  const task = { connection, parameters, plan, sender, found };
  if (values.dryRun === true) {
    output.result({ deployment: plan.id, addresses: plan.addresses, ...found }, describePlan(task));
    return found.problems.length === 0 ? 0 : 1;
  }
  if (found.problems.length !== 0) throw new NotPossibleError(found.problems);
  for (const warning of found.warnings) output.note(`Warning: ${warning}`);
  const isMissing = found.steps.length !== 0;
  if (isSafe && isMissing) {
    await writeNextStep(task, output);
    return 0;
  }
  if (isMissing) {
    output.say(describePlan(task));
    await confirm(connection, values, `${found.steps.length} transactions from ${sender.address}`);
  }

  const say = (line: string) => {
    output.say(line);
    output.doing("Waiting until it is final");
  };
  const attempts = journal.attempts.length;
  const receipts = isSafe ? {} : await completeDeployment(plan, connection, sender, say);
  if (isSafe) await awaitFinality(plan, connection, say);
  if (journal.attempts.length === attempts) output.say("Nothing was sent: every contract stands already");
  output.doing("Writing the address book");
  const book = await addressBook({ connection, parameters, plan, build, receipts, earlier });
  if (!isRehearsal) {
    await writeAddressBook(book, directory);
    await rm(file, { force: true });
  }
  output.result(book, describe(book));
  return 0;
}

async function refuseAnother(
  plan: DeploymentPlan,
  earlier: AddressBook | undefined,
  { provider, chainId }: Connection,
): Promise<void> {
  if (earlier === undefined || earlier.deployment === plan.id || BigInt(earlier.chainId) !== chainId) return;
  if ((await provider.getCode(earlier.addresses.genesis)) !== "0x") throw new OtherDeploymentError(earlier);
}

/** Writes the next transaction to a file. A Safe executes one step at a time, so that it takes no more gas than a key. */
async function writeNextStep({ plan, connection, sender, found }: Task, output: Output): Promise<void> {
  const [{ step, gas }] = found.steps;
  const submitted = await sender.submit([step.call]);
  if (submitted.kind !== "batch") throw new Error("A Safe's batch is written down, not sent");

  const left = found.steps.length - 1;
  const { file } = submitted;
  const takes = gas === undefined ? "" : `, about ${gas.toLocaleString("en")} gas besides what the Safe itself takes`;
  output.result(
    { deployment: plan.id, addresses: plan.addresses, file, step: step.name, gas, left },
    [
      `${file} has the first of the ${found.steps.length} transactions that are missing on ${connection.chain.title}${takes}:`,
      table([[step.call.description, step.address]]),
      "Load it in the Transaction Builder of the Safe, have it signed and executed, then run the same command again:",
      left === 0 ? "it will write the address book." : `it will write the next of the ${left} that are left.`,
    ].join("\n"),
  );
}

function describe({ network, chainId, addresses, block, commit }: AddressBook): string {
  const from = `${block === null ? "" : `, created in block ${block}`}${commit === null ? "" : `, from commit ${commit}`}`;
  return [`TuringFog on ${network} (chain ${chainId})${from}`, table(Object.entries(addresses))].join("\n");
}
