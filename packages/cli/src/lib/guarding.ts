import { latestBlock } from "@turingfog/operator";
import {
  checkGuardian,
  connectContracts,
  encodeGuardianAction,
  type GuardianAction,
  guardianChanges,
  simulate,
} from "@turingfog/sdk/ethers";

import type { Output } from "./output.js";
import { openDeployment } from "./deployed.js";
import { openSender, type SenderValues } from "./sender.js";
import { outcomeLine, outcomeOf, submitShown } from "./steps.js";

/** Values of every command of the guardian. */
interface Values extends SenderValues {
  network: string;
  deployments: string;
}

/** Takes an action of the guardian, which has no delay, after trying it as the guardian. */
export async function guard(action: GuardianAction, values: Values, output: Output): Promise<void> {
  const { connection, book } = await openDeployment(values);
  const { provider } = connection;
  const contracts = connectContracts(book.addresses, provider);

  const { timestamp } = await latestBlock(provider);
  const changes = await guardianChanges(contracts, action, BigInt(timestamp));
  const { to, data } = await encodeGuardianAction(contracts, action);
  await simulate(provider, await contracts.oracle.guardian(), { to, data });
  const sender = await openSender(connection, values, output, `TuringFog: ${action.kind}`);
  if (sender.address !== undefined) await checkGuardian(contracts.oracle, sender.address);
  const call = { description: action.kind, to, data };
  const submitted = await submitShown({ connection, sender, values, output }, action.kind, changes, call);
  const outcome = outcomeOf(connection, submitted);
  output.result({ action, changes, outcome }, outcomeLine(outcome));
}
