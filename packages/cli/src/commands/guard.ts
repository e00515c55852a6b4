import { latestBlock } from "@turingfog/operator";
import { gpuModelOf } from "@turingfog/sdk";
import {
  checkGuardian,
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

  turingfog guard veto --root ROOT --network NAME [...]        refuses a pending root of receipts permanently
  turingfog guard revoke-node --node ID --network NAME [...]   ends a node's attestation, or undoes a pending one
  turingfog guard veto-rating --gpu MODEL --network NAME [...] takes a pending rating back
  turingfog guard freeze --network NAME [...]                  stops receipts, attestations and orders for 7 days at most
  turingfog guard thaw --network NAME [...]                    ends a freeze

${DEPLOYED_USAGE}
  --root ROOT        the receipts' Merkle root, 32 bytes
  --node ID          the node
  --gpu MODEL        the GPU model, as it was attested
${SENDER_USAGE}
  --json             print JSON alone
  --help             print this

Tries the action as the guardian before anything is sent.`;

export const command = defineCommand({
  usage: USAGE,
  options: {
    ...DEPLOYED_OPTIONS,
    ...SENDER_OPTIONS,
    root: { type: "string" },
    node: { type: "string" },
    gpu: { type: "string" },
  },
  required: ["network"],
  words: 1,
  async run(values, output, [step]) {
    const action = readGuardianAction(step, values);
    const { connection, book } = await openDeployment(values);
    const { provider } = connection;
    const contracts = connectContracts(book.addresses, provider);

    const { timestamp } = await latestBlock(provider);
    const changes = await guardianChanges(contracts, action, BigInt(timestamp));
    const { to, data } = await encodeGuardianAction(contracts, action);
    await simulate(provider, await contracts.oracle.guardian(), { to, data });
    const sender = await openSender(connection, values, output, `TuringFog: ${action.kind}`);
    if (sender.address !== undefined) await checkGuardian(contracts.oracle, sender.address);
    const outcome = await submitCall(connection, sender, { description: action.kind, to, data });
    output.result({ action, changes, outcome }, describeOutcome(action.kind, changes, outcome));
  },
});

/** The option that each action needs; it takes no other of these. */
const SUBJECTS = { veto: "root", "revoke-node": "node", "veto-rating": "gpu", freeze: null, thaw: null } as const;

type SubjectValues = Partial<Record<"root" | "node" | "gpu", string>>;

function readGuardianAction(kind: string | undefined, values: SubjectValues): GuardianAction {
  if (!isKind(kind)) {
    const kinds = Object.keys(SUBJECTS).join(", ");
    throw new UsageError(`The action is ${kind ?? "missing"}, must be one of ${kinds}; see --help`);
  }
  for (const option of ["root", "node", "gpu"] as const) {
    if (option !== SUBJECTS[kind] && values[option] !== undefined) {
      throw new UsageError(`--${option} is not for ${kind}; see --help`);
    }
  }
  switch (kind) {
    case "veto": {
      const receiptsRoot = required(values, "root");
      if (isHexString(receiptsRoot, 32)) return { kind, receiptsRoot };
      throw new UsageError(`--root is ${receiptsRoot}, must be 32 bytes, as 0x and 64 hexadecimal digits`);
    }
    case "revoke-node": {
      const nodeId = required(values, "node");
      if (/^\d{1,78}$/.test(nodeId)) return { kind, nodeId: BigInt(nodeId) };
      throw new UsageError(`--node is ${nodeId}, must be a node's id, a whole number`);
    }
    case "veto-rating":
      return { kind, gpuModel: gpuModelOf(required(values, "gpu")) };
    case "freeze":
    case "thaw":
      return { kind };
  }
}

function isKind(kind: string | undefined): kind is keyof typeof SUBJECTS {
  return kind !== undefined && Object.hasOwn(SUBJECTS, kind);
}

function required(values: SubjectValues, option: keyof SubjectValues): string {
  const value = values[option];
  if (value === undefined) throw new UsageError(`--${option} is missing; see --help`);
  return value;
}
