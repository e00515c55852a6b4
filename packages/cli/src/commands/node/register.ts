import { Option } from "@commander-js/extra-typings";
import { inventoryConfig, type Machine, readConfig } from "@turingfog/network";
import { connectContracts } from "@turingfog/sdk/ethers";

import { UsageError, wholeNumber } from "../../lib/command.js";
import { openDeployment } from "../../lib/deployed.js";
import {
  formatRate,
  nodeOf,
  ratedMachines,
  type RatedMachine,
  readRegistered,
  submitBatches,
} from "../../lib/fleet.js";
import { type Output, outputOf, table } from "../../lib/output.js";
import { openSender, sendingCommand, type SenderValues } from "../../lib/sender.js";
import { outcomeLine } from "../../lib/steps.js";
import { readAddress } from "../../lib/token.js";

export const command = sendingCommand({
  description: `Registers a node, or all of an inventory that are not registered yet, each in a transaction of its own.

A node's GPU is named, or read from what was measured of it. Its model must be rated. A machine is known again by its GPUs and
its URI, so the command may be run again after an interruption: what is on the chain is skipped. Then each node gets its folder
and document (node init), and signers attest it by its benchmark log (node attest).

--json prints {owner, nodes, outcomes}.`,
  examples: [
    "turingfog node register --network sepolia --gpu 'RTX 2080 Ti' --count 8 --uri https://node.example/v1/document",
    "turingfog node register --network sepolia --log LOGS --count 8 --uri https://node.example/v1/document --dry-run",
    "turingfog node register --network sepolia --inventory fleet.json5 --keystore owner.json",
  ],
})
  .option("--gpu <NAME>", "model of the GPUs")
  .addOption(new Option("--log <PATH>", "what was measured of them, as for turingfog tu rate").conflicts("gpu"))
  .option("--count <N>", "number of GPUs", "1")
  .option("--uri <URI>", "where renters read about the node: ENDPOINT/v1/document if its agent serves it")
  .option("--payout <ADDRESS>", "whose rewards it earns; default: the owner's")
  .addOption(
    new Option("--inventory <FILE>", "register all machines of this file, see docs/operators/node.md").conflicts([
      ...["gpu", "log", "uri", "payout"],
    ]),
  )
  .option("--owner <ADDRESS>", "with --safe: the Safe, which will own the nodes")
  .action((values) => register(values, outputOf(values)));

interface Values extends SenderValues {
  network: string;
  deployments: string;
  gpu?: string;
  log?: string;
  count: string;
  uri?: string;
  payout?: string;
  inventory?: string;
  owner?: string;
}

async function register(values: Values, output: Output): Promise<void> {
  const machines = await machinesOf(values);
  const deployment = await openDeployment(values);
  const { connection, book } = deployment;
  const contracts = connectContracts(book.addresses, connection.provider);
  const { registry } = contracts;
  const rated = await ratedMachines(machines, registry);
  const sender = await openSender(connection, values, output, "TuringFog: register nodes");
  const owner = sender.address ?? (values.owner && readAddress("owner", values.owner));
  if (owner === undefined) throw new UsageError("--owner is missing: the batch of a Safe does not tell its account");

  const known = () => readRegistered(contracts, deployment, owner, output);
  const before = await known();
  const missing = rated.filter((machine) => nodeOf(machine, before) === undefined);
  output.say(machineTable(rated, (machine) => idText(nodeOf(machine, before)), owner));
  for (const note of rated.flatMap(slownessOf)) output.note(note);
  const calls = missing.map(({ uri, gpuModel, count, payout }) => ({
    description: `Register ${uri}`,
    to: book.addresses.registry,
    data: registry.interface.encodeFunctionData("registerNode", [gpuModel, count, payout ?? owner, uri]),
  }));
  output.say(`${rated.length - missing.length} of ${rated.length} are registered already, ${missing.length} are to be`);
  const isDone = async (i: number) => nodeOf(missing[i], await known()) !== undefined;
  const step = { connection, sender, values, output };
  const outcomes = calls.length === 0 ? [] : await submitBatches(step, calls, isDone);

  const after = outcomes.some(({ kind }) => kind === "sent") ? await known() : before;
  const nodes = rated.map(({ uri, model, gpuModel, count, payout = owner, ...rates }) => {
    const nodeId = nodeOf({ uri, model, gpuModel, count, ...rates }, after);
    return { nodeId: nodeId ?? null, uri, gpu: model, gpuModel, count, payout, ratePerDay: rates.ratePerDay };
  });
  const lines = nodes.map(({ nodeId, uri }) => `${uri}: ${nodeId === null ? "not registered" : `node ${nodeId}`}`);
  const text = [...outcomes.map(outcomeLine), ...lines, nextOf(nodes, values.network)];
  output.result({ owner, nodes, outcomes }, text.join("\n"));
}

/** Says what comes next: what is not on the chain yet, or else the folder and the document of each node. */
function nextOf(nodes: readonly { nodeId: bigint | null }[], network: string): string {
  if (nodes.some(({ nodeId }) => nodeId === null))
    return "Next: once it is sent, the same command, which tells the IDs";
  const id = nodes.length === 1 ? nodes[0].nodeId : "ID";
  const each = nodes.length === 1 ? "" : "for each node ";
  const init = `turingfog node init --network ${network} --node ${id} --folder DIR --endpoint URL --signer URL --publish data`;
  return `Next: ${each}${init}`;
}

async function machinesOf({ inventory, gpu, log, uri, ...rest }: Values): Promise<Machine[]> {
  if (inventory !== undefined) {
    const { nodes, payout } = await readConfig(inventory, inventoryConfig);
    return nodes.map((node) => ({ ...node, payout: node.payout ?? payout }));
  }
  if (uri === undefined) throw new UsageError("--uri is missing, or --inventory; see --help");
  if (gpu === undefined && log === undefined) throw new UsageError("--gpu or --log is missing; see --help");
  const payout = rest.payout === undefined ? undefined : readAddress("payout", rest.payout);
  return [{ gpu, log, uri, payout, count: wholeNumber("count", rest.count, 1) }];
}

function machineTable(
  machines: readonly RatedMachine[],
  state: (machine: RatedMachine) => string,
  owner: string,
): string {
  const rows = machines.map((machine) => {
    const { uri, count, model, payout = owner } = machine;
    return [uri, `${count} × ${model}`, formatRate(machine.ratePerDay), payout, state(machine)];
  });
  return table([["URI", "GPUs", "rated", "payout", "on the chain"], ...rows]);
}

function idText(nodeId: bigint | undefined): string {
  return nodeId === undefined ? "no" : `node ${nodeId}`;
}

/** Says of a machine that is slower by its own log than its model is rated: it is sold as if it were not. */
function slownessOf({ uri, model, rating, measured }: RatedMachine): string[] {
  if (measured === undefined || measured >= rating) return [];
  return [`${uri} was measured at ${formatRate(measured)} a GPU; a ${model} is rated at ${formatRate(rating)}`];
}
