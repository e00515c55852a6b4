import { id } from "ethers";

import { ORACLE_TYPES, type OracleMessages, type OracleMessageType, type Signature } from "@turingfog/sdk/wire";
import { signTyped } from "../../helpers/keys";
import type { Vouch } from "../reference/oracle";
import { known, type Address, type ContractName, type World } from "../reference/world";
import type { Action, Flaw, Pick } from "../steps";
import type { System } from "../system";

/** A command in full: the transaction, and what the model makes of it. */
export interface Command {
  from: Address;
  contract: ContractName;
  method: string;
  /** As ethers encodes them. */
  args: readonly unknown[];
  /** @param newNodeId what the registry has given a node. The model does not foresee it, and takes a fresh one. */
  apply: (world: World, newNodeId: bigint) => void;
}

/** What a step is turned into a command with: the world before it, and when it comes. */
export interface Context {
  world: World;
  system: System;
  at: bigint;
}

/** Turns each kind of step into a command. */
export type Resolvers<N extends Action["do"]> = {
  [K in N]: (context: Context, action: Extract<Action, { do: K }>) => Command | Promise<Command>;
};

export const UNKNOWN_NODE = 7n;
/** Of the second asset, in a place that none has. */
export const UNKNOWN_ORDER = (((2n << 40n) | 777n) << 32n) | (2n << 16n) | 1n;
export const UNKNOWN_ROOT = id("no root");

export const EVIDENCE = id("benchmark log");
const OTHER_EVIDENCE = id("another log");

export function choose<T>(list: readonly T[], pick: Pick, otherwise: T): T {
  return pick === null || list.length === 0 ? otherwise : list[pick % list.length];
}

export function chooseNode({ world }: Context, pick: Pick): bigint {
  return choose([...world.state.nodes.keys()], pick, UNKNOWN_NODE);
}

/** The newest first, and seldom one that is closed. */
export function chooseOrder({ world }: Context, pick: Pick): bigint {
  const ids = [...world.state.orders.keys()].reverse();
  const isOpen = (orderId: bigint) => world.state.orders.get(orderId)?.isOpen === true;
  const open = ids.filter(isOpen);
  const list = open.length > 0 && (pick ?? 0) % 7 !== 6 ? open : [...open, ...ids.filter((each) => !isOpen(each))];
  return choose(list, pick, UNKNOWN_ORDER);
}

/** The account named, or who is entitled when none is. */
export function callerOr({ system }: Context, name: string | null, entitled: Address): Address {
  return name === null ? entitled : system.account(name);
}

/** Has a set of signers sign a message, in the way that a flaw says. */
export function vouch<T extends OracleMessageType>(
  { world, system }: Context,
  type: T,
  content: Omit<OracleMessages[T], "signerSetVersion">,
  flaw: Flaw,
): { signatures: Signature[]; vouches: Vouch[] } {
  const chosen = chooseSigners(world, system, flaw);
  const version = world.state.signerSetVersion - (flaw === "stale version" ? 1n : 0n);
  const changed = type === "ReceiptBatch" ? { dataHash: OTHER_EVIDENCE } : { evidence: OTHER_EVIDENCE };
  const message = { ...content, ...(flaw === "other message" && changed), signerSetVersion: version };

  const isGiven = flaw !== "stale version" && flaw !== "other message";
  const keys = chosen.map((signer) => known(system.keys, signer));
  if (flaw === "other key") keys[keys.length - 1] = keys[0];
  const signed = signTyped(keys, system.oracleDomain, { name: type, fields: ORACLE_TYPES[type] }, message);
  return {
    signatures: chosen.map((signer, i) => ({ signer, signature: signed[i] })),
    vouches: chosen.map((signer, i) => ({
      signer,
      isGiven: isGiven && !(flaw === "other key" && i === chosen.length - 1),
    })),
  };
}

function chooseSigners(world: World, system: System, flaw: Flaw): Address[] {
  const { signers, quorum } = world.state;
  const enough = signers.slice(0, Number(quorum));
  switch (flaw) {
    case "all sign":
      return [...signers];
    case "too few":
      return enough.slice(1);
    case "descending":
      return enough.reverse();
    case "duplicate":
      return [signers[0], ...enough];
    case "outsider":
      return ascending([...enough.slice(1), system.account("deployer")]);
    case "none":
    case "stale version":
    case "other message":
    case "other key":
      return enough;
  }
}

export function ascending(addresses: readonly Address[]): Address[] {
  return [...addresses].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
}

/** A command as a line to read. */
export function describe(system: System, { from, contract, method, args }: Command): string {
  const write = (value: unknown): string => {
    if (Array.isArray(value)) return `[${value.map(write).join(", ")}]`;
    if (typeof value === "object" && value !== null) {
      const fields = Object.entries(value).filter(([name]) => name !== "signature");
      return `{${fields.map(([name, field]) => `${name}: ${write(field)}`).join(", ")}}`;
    }
    return system.nameOf(String(value));
  };
  return `${system.nameOf(from)}: ${contract}.${method}(${args.map(write).join(", ")})`;
}
