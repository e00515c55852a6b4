import {
  connectContracts,
  encodeGuardianAction,
  type GuardianAction,
  guardianChanges,
  simulate,
} from "@turingfog/sdk/ethers";
import { isHexString } from "ethers";

import { defineCommand, UsageError } from "../lib/command.js";
import { DEPLOYED_OPTIONS, DEPLOYED_USAGE, openDeployment } from "../lib/deployed.js";
import { openSender, SENDER_OPTIONS, SENDER_USAGE } from "../lib/sender.js";
import { describeOutcome, submitCall } from "../lib/steps.js";

const USAGE = `Takes an action of the guardian, which has no delay. Shows what it changes.

  turingfog guard veto --root ROOT --network NAME [...]   refuses a pending root of receipts permanently
  turingfog guard freeze --network NAME [...]             stops submitting, settling and closing for 7 days at most
  turingfog guard thaw --network NAME [...]               ends a freeze

${DEPLOYED_USAGE}
  --root ROOT        the receipts' Merkle root, 32 bytes
${SENDER_USAGE}
  --json             print JSON alone
  --help             print this

Tries the action as the guardian before anything is sent.`;

export const command = defineCommand({
  usage: USAGE,
  options: { ...DEPLOYED_OPTIONS, ...SENDER_OPTIONS, root: { type: "string" } },
  required: ["network"],
  words: 1,
  async run(values, output, [step]) {
    const action = readGuardianAction(step, values.root);
    const { connection, book } = await openDeployment(values);
    const { provider } = connection;
    const { oracle } = connectContracts(book.addresses, provider);

    const block = await provider.getBlock("latest");
    const changes = await guardianChanges(oracle, action, BigInt(block?.timestamp ?? 0));
    const { to, data } = await encodeGuardianAction(oracle, action);
    await simulate(provider, await oracle.guardian(), { to, data });
    const sender = await openSender(connection, values, output, `TuringFog: ${action.kind}`);
    const outcome = await submitCall(connection, sender, { description: action.kind, to, data });
    output.result({ action, changes, outcome }, describeOutcome(action.kind, changes, outcome));
  },
});

function readGuardianAction(kind: string | undefined, root: string | undefined): GuardianAction {
  if (kind === "freeze" || kind === "thaw") {
    if (root !== undefined) throw new UsageError(`--root is for veto, not for ${kind}; see --help`);
    return { kind };
  }
  if (kind !== "veto")
    throw new UsageError(`The action is ${kind ?? "missing"}, must be veto, freeze or thaw; see --help`);
  if (root === undefined) throw new UsageError("--root is missing; see --help");
  if (!isHexString(root, 32))
    throw new UsageError(`--root is ${root}, must be 32 bytes, as 0x and 64 hexadecimal digits`);
  return { kind, receiptsRoot: root };
}
