import { existsSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { GatewayClient, HttpClient, readFolder, type ToldSession } from "@turingfog/network";
import { TuringFogError } from "@turingfog/sdk";
import { Option } from "@commander-js/extra-typings";

import { newCommand, UsageError, wholeNumber } from "../../lib/command.js";
import { type Output, outputOf } from "../../lib/output.js";
import { slotsOf } from "../../lib/slots.js";

export const command = newCommand({
  description: `Has a card gateway open an order, hold it and fetch its result: prints where to pay by card, and waits for the result.

Needs no wallet and no chain. The gateway holds the order and can read the job and the result. What is not used is refunded to
the card. Run it again with --session to go on waiting.

--json prints the session, as the gateway tells it.`,
  examples: [
    "turingfog order pay RESULT --card https://pay.example --node 7 --tu 0.5 --hours 12 --currency eur --runner hash --files FILES",
    "turingfog order pay RESULT --card https://pay.example --session 2Yq…",
  ],
})
  .argument("<DIR>", "folder for the result, which must not be there yet")
  .requiredOption("--card <URL>", "the gateway's address")
  .option("--node <ID...>", "the node; several for a joint order")
  .option("--tu <AMOUNT>", "TU to buy, as 0.5")
  .option("--hours <N>", "hours until the order ends")
  .option("--currency <CODE>", "currency of the card, as eur")
  .option("--runner <NAME>", "the node's runner that the job asks for")
  .option("--slot <NAME=VALUE...>", "what fills slots of the runner")
  .option("--files <DIR>", "folder of the job's files; default: none")
  .option("--images-per-tu <N>", "meter by work: images that make 1 TU; 0 to meter time", "0")
  .addOption(new Option("--session <ID>", "go on with this one").conflicts(["node", "tu", "runner", "files"]))
  .option("--wait <SECONDS>", "how long to wait; 0 to print where to pay, and end", "86400")
  .action((folder, values) => pay(folder, values, outputOf(values)));

interface Values {
  card: string;
  node?: string[];
  tu?: string;
  hours?: string;
  currency?: string;
  runner?: string;
  slot?: string[];
  files?: string;
  imagesPerTu: string;
  session?: string;
  wait: string;
}

/** Thrown when a session ends, or time passes, without a result. */
class NoResultError extends TuringFogError {}

/** Milliseconds between two looks. */
const LOOK = 2_000;

async function pay(folder: string, values: Values, output: Output): Promise<void> {
  if (existsSync(folder)) throw new UsageError(`${folder} is there already: name a folder that is not`);
  const endpoint = values.card.replace(/\/$/, "");
  const seconds = wholeNumber("wait", values.wait, 0);
  const client = new HttpClient();
  const gateway = new GatewayClient(client, endpoint);
  try {
    const { id } = values.session === undefined ? await order(gateway, values, output) : { id: values.session };
    const first = await gateway.session(id);
    if (first.state === "checkout") output.say(`Pay ${first.shown} by card at ${first.checkout}`);
    output.say(`Its page, for you alone: ${first.page}`);
    if (seconds === 0) {
      return output.result(first, `Next: turingfog order pay ${folder} --card ${endpoint} --session ${id}`);
    }
    const session = await waited(gateway, first, performance.now() + seconds * 1_000, output);
    if (session.files.length === 0) throw new NoResultError(whyNone(session));
    await gateway.fetch(session, folder);
    output.result(session, `The result of order ${session.orderId} is in ${folder}`);
  } finally {
    client.close();
  }
}

/** Asks for a quote, hands the job's files in, and accepts it. */
async function order(gateway: GatewayClient, values: Values, output: Output): Promise<ToldSession> {
  const { node, tu, hours, currency, runner, slot = [], files, imagesPerTu: imagesPerTU } = values;
  for (const [name, value] of Object.entries({ node, tu, hours, currency, runner })) {
    if (value === undefined) throw new UsageError(`--${name} is missing; see --help`);
  }
  const asked = { nodes: node ?? [], tu: tu ?? "", hours: hours ?? "", currency: currency ?? "", runner: runner ?? "" };
  const quote = await gateway.quote({ ...asked, slots: slotsOf(slot), imagesPerTU });
  output.say(`${tu} TU cost ${quote.shown}; what is not used is refunded`);
  for (const { path: name } of files === undefined ? [] : await readFolder(files)) {
    await gateway.upload(quote.id, name, path.join(files as string, name));
  }
  return gateway.accept(quote.id);
}

/** Looks at a session until it has a result, or is over, or until a time of the monotonic clock. */
async function waited(gateway: GatewayClient, first: ToldSession, until: number, output: Output): Promise<ToldSession> {
  let session = first;
  while (session.files.length === 0 && !["expired", "refunded"].includes(session.state) && performance.now() < until) {
    await sleep(LOOK);
    const next = await gateway.session(session.id);
    if (next.state !== session.state) output.say(next.reason === "" ? next.state : `${next.state}: ${next.reason}`);
    session = next;
  }
  return session;
}

function whyNone({ state, reason, page }: ToldSession): string {
  if (state === "expired") return "It was not paid in time, and nothing was charged: ask again";
  if (state === "refunded")
    return `There is no result, and what was due was refunded: ${reason || "the order has ended"}`;
  return `There is no result yet, the session is ${state}: run the same command with --session, or look at ${page}`;
}
