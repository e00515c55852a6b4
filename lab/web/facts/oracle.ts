import { RootStatus } from "@turingfog/sdk";
import { type Role, ROLES } from "@turingfog/sdk/ethers";
import { decodeReceiptFile } from "@turingfog/sdk/wire";

import type { History, Reading, Told } from "./history";

const statusOf = async ({ contracts: { oracle } }: History, root: string) => oracle.status(root);

/** The last submission of a root: one that has expired may be submitted again. */
function submissionOf(history: History, root: string): Told {
  const found = history.last("RootSubmitted", ({ args }) => args.receiptsRoot === root);
  if (found === undefined) throw new Error(`The oracle never took ${root}`);
  return found;
}

/** The latest roots, whose signatures the page counts. */
const COUNTED = 20;

async function signedBy(history: History, signer: string): Promise<bigint> {
  const { oracle } = history.contracts;
  const latest = history.named("RootSubmitted").slice(-COUNTED);
  let signed = 0n;
  for (const { transactionHash } of latest) {
    const transaction = await oracle.runner?.provider?.getTransaction(transactionHash);
    const call = transaction && oracle.interface.parseTransaction(transaction);
    const signatures = (call?.args.signatures ?? []) as { signer: string }[];
    if (signatures.some((each) => each.signer.toLowerCase() === signer)) ++signed;
  }
  return signed;
}

/** Returns the operation's last scheduling, and when it can be executed. */
async function operationOf(history: History, id: string) {
  const scheduled = history.last("CallScheduled", ({ args }) => args.id === id);
  return { scheduledAt: scheduled?.time ?? 0n, readyAt: await history.contracts.timelock.getTimestamp(id) };
}

/** @param id `role/account` */
function grantedAt(history: History, id: string): bigint {
  const [role, account] = id.split("/");
  const isOwn = (value: unknown) => String(value).toLowerCase() === account;
  if (role === "guardian") return history.last("GuardianSet", ({ args }) => isOwn(args.newGuardian))?.time ?? 0n;
  if (role === "operationsTreasury") {
    return history.last("OperationsSet", ({ args }) => isOwn(args.newTreasury))?.time ?? 0n;
  }
  const hash = ROLES[role as Role];
  return history.last("RoleGranted", ({ args }) => args.role === hash && isOwn(args.account))?.time ?? 0n;
}

export const ORACLE: Record<string, Reading> = {
  "root:status": async (history, root) => RootStatus[Number((await statusOf(history, root))[0])],
  "root:finalAt": async (history, root) => {
    const [status, finalAt] = await statusOf(history, root);
    // the oracle forgets when a vetoed root would have been final
    if (Number(status) !== Number(RootStatus.Vetoed)) return finalAt;
    return submissionOf(history, root).time + (await history.contracts.oracle.VETO_WINDOW());
  },
  "root:window": async (history, root, at) => (await statusOf(history, root))[1] - at,
  "root:submittedAt": (history, root) => submissionOf(history, root).time,
  "root:vetoedAt": (history, root) => {
    return history.last("RootVetoed", ({ args }) => args.receiptsRoot === root)?.time ?? 0n;
  },
  "root:signerSetVersion": (history, root) => submissionOf(history, root).args.signerSetVersion as bigint,

  "root:receipts": (history, root) => {
    const file = history.files.get(submissionOf(history, root).args.dataHash as string);
    return file === undefined ? "no file" : BigInt(decodeReceiptFile(file).length);
  },

  "oracle:pendingRoots": async (history) => {
    const roots = new Set(history.named("RootSubmitted").map(({ args }) => args.receiptsRoot as string));
    const statuses = await Promise.all(Array.from(roots, async (root) => Number((await statusOf(history, root))[0])));
    return BigInt(statuses.filter((status) => status === Number(RootStatus.Pending)).length);
  },
  "roots:rows": (history) => {
    return BigInt(new Set(history.named("RootSubmitted").map(({ args }) => args.receiptsRoot as string)).size);
  },
  "operations:rows": (history) => {
    const ids = (name: string) => new Set(history.named(name).map(({ args }) => args.id as string));
    const [executed, cancelled] = [ids("CallExecuted"), ids("Cancelled")];
    return BigInt([...ids("CallScheduled")].filter((id) => !executed.has(id) && !cancelled.has(id)).length);
  },
  "roles:rows": async ({ contracts: { timelock }, ...history }) => {
    const granted = history.told
      .filter(({ name }) => name === "RoleGranted")
      .map(({ args }) => [args.role, args.account] as [string, string]);
    const held = await Promise.all(granted.map(([role, account]) => timelock.hasRole(role, account)));
    const roles = new Set(granted.filter((_, i) => held[i]).map((each) => each.join("/")));
    // with the guardian and the operations treasury
    return BigInt(roles.size + 2);
  },
  "oracle:quorum": ({ contracts: { oracle } }) => oracle.quorum(),
  "oracle:signers": async ({ contracts: { oracle } }) => BigInt((await oracle.signers()).length),
  "oracle:signerSetVersion": ({ contracts: { oracle } }) => oracle.signerSetVersion(),
  "oracle:frozen": async ({ contracts: { oracle } }, _, at) =>
    (await oracle.frozenUntil()) > at ? "frozen" : "running",
  "oracle:frozenUntil": ({ contracts: { oracle } }) => oracle.frozenUntil(),
  "signer:signed": signedBy,
  "signer:since": (history, signer) => {
    const isIn = ({ args }: Told) => (args.signers as string[]).some((each) => each.toLowerCase() === signer);
    return history.last("SignersSet", isIn)?.time ?? 0n;
  },
  "role:since": grantedAt,
  "operation:scheduledAt": async (history, id) => (await operationOf(history, id)).scheduledAt,
  "operation:readyAt": async (history, id) => (await operationOf(history, id)).readyAt,
  "operation:left": async (history, id, at) => (await operationOf(history, id)).readyAt - at,
};
