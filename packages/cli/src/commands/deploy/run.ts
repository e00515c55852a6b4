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

import { defineCommand, type Output, table } from "../../lib/command.js";
import { DEPLOYMENTS } from "../../lib/deployed.js";
import { describePlan, type Planned } from "../../lib/preflight.js";
import { openSender, SENDER_OPTIONS, SENDER_USAGE } from "../../lib/sender.js";

const USAGE = `Deploys TuringFog, or resumes an interrupted deployment.

  turingfog deploy run --network NAME --parameters FILE [--keystore FILE | --safe FILE] [options]

  --network NAME     a chain of docs/networks.md; its RPC URL is taken from NAME_RPC_URL
  --parameters FILE  parameters to deploy, as deploy/parameters/*.json5; checked as a whole before anything is sent
${SENDER_USAGE}
  --deployments DIR  folder of the address books (default deployments)
  --json             print JSON alone: the address book, or the findings of --dry-run and --safe
  --help             print this

Tries every transaction first, and sends nothing if one would fail. Each creates one contract; no order can be opened
before the last. The sender keeps no power except what the parameters give it. Reads from the chain which contracts are
deployed: a complete deployment is only read, and the command says that it sent nothing. Waits until the last block is
final, and writes deployments/NAME.json. The network "hardhat" is a rehearsal in process: it ends with the command and
writes nothing.`;

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

export const command = defineCommand({
  usage: USAGE,
  options: {
    network: { type: "string" },
    parameters: { type: "string" },
    deployments: { type: "string", default: DEPLOYMENTS },
    ...SENDER_OPTIONS,
  },
  required: ["network", "parameters"],
  async run(values, output) {
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
    const found = await preflight(plan, parameters, build, connection, sender.address, isSafe);

    const task = { connection, parameters, plan, sender, found };
    if (values["dry-run"] === true) {
      output.result({ deployment: plan.id, addresses: plan.addresses, ...found }, describePlan(task));
      return found.problems.length === 0 ? 0 : 1;
    }
    if (found.problems.length !== 0) throw new NotPossibleError(found.problems);
    for (const warning of found.warnings) output.note(`Warning: ${warning}`);
    if (isSafe && found.steps.length !== 0) return writeNextStep(task, output);

    const say = (line: string) => output.say(line);
    const attempts = journal.attempts.length;
    const receipts = isSafe ? {} : await completeDeployment(plan, connection, sender, say);
    if (isSafe) await awaitFinality(plan, connection, say);
    if (journal.attempts.length === attempts) say("Nothing was sent: every contract stands already");
    const book = await addressBook({ connection, parameters, plan, build, receipts, earlier });
    if (!isRehearsal) {
      await writeAddressBook(book, directory);
      await rm(file, { force: true });
    }
    output.result(book, describe(book));
  },
});

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
