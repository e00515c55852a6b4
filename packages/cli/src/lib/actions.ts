import { Argument, Option } from "@commander-js/extra-typings";
import { getAddress, parseUnits } from "ethers";

import type { GovernanceAction, GovernedContracts } from "@turingfog/sdk/ethers";
import { UsageError } from "./command.js";

const KINDS = ["rotate-signers", "replace-guardian", "list-asset", "delist-asset", "set-operations"] as const;

/** Kind of an action, as "rotate-signers". */
export type ActionKind = (typeof KINDS)[number];

export const ACTION = new Argument("<ACTION>", "what to change, with the options that name it").choices(KINDS);
export const SIGNERS = new Option(
  "--signers <ADDRESSES>",
  "rotate-signers: all signers of the oracle, with commas between them, in any order; pending roots expire",
);
export const QUORUM = new Option("--quorum <N>", "rotate-signers: how many of them must sign");
export const GUARDIAN = new Option("--guardian <ADDRESS>", "replace-guardian: the new guardian");
export const ASSET = new Option(
  "--asset <ADDRESS>",
  "list-asset, delist-asset: the token; delisted, it takes no new orders, and open orders and lots go on",
);
export const REFERENCE_PRICE = new Option(
  "--reference-price <TFT>",
  "list-asset: TFT for a whole unit, as 2.5; none for an asset that was listed before",
);
export const TREASURY = new Option("--treasury <ADDRESS>", "set-operations: the treasury; left out, it stays");
export const SHARE = new Option("--share <BASIS_POINTS>", "set-operations: share of each release; left out, it stays");

/** Values of the options of an action. */
export interface ActionValues {
  signers?: string;
  quorum?: string;
  guardian?: string;
  asset?: string;
  referencePrice?: string;
  treasury?: string;
  share?: string;
}

/**
 * Reads an action from the values of a command line.
 * @throws UsageError
 */
export async function readAction(
  kind: ActionKind,
  values: ActionValues,
  { vault }: GovernedContracts,
): Promise<GovernanceAction> {
  switch (kind) {
    case "rotate-signers":
      return {
        kind,
        signers: required(values, "signers")
          .split(",")
          .map((each) => readAddress("signers", each.trim())),
        quorum: readWhole("quorum", required(values, "quorum")),
      };
    case "replace-guardian":
      return { kind, guardian: readAddress("guardian", required(values, "guardian")) };
    case "list-asset":
      return {
        kind,
        asset: readAddress("asset", required(values, "asset")),
        referencePrice: readTft("reference-price", values.referencePrice ?? "0"),
      };
    case "delist-asset":
      return { kind, asset: readAddress("asset", required(values, "asset")) };
    case "set-operations":
      if (values.treasury === undefined && values.share === undefined) {
        throw new UsageError("--treasury and --share are missing; see --help");
      }
      return {
        kind,
        treasury:
          values.treasury === undefined ? await vault.operationsTreasury() : readAddress("treasury", values.treasury),
        share: values.share === undefined ? await vault.operationsShare() : readWhole("share", values.share),
      };
  }
}

function required(values: ActionValues, name: keyof ActionValues): string {
  const value = values[name];
  if (value === undefined) throw new UsageError(`--${name} is missing; see --help`);
  return value;
}

/** Reads an address with its EIP-55 checksum, so that a typing error does not name another account. */
function readAddress(name: string, text: string): string {
  const isAddress = /^0x[0-9a-fA-F]{40}$/.test(text);
  if (!isAddress || getAddress(text.toLowerCase()) !== text) {
    throw new UsageError(`--${name} is ${text}, must be an address with its EIP-55 checksum`);
  }
  return text;
}

function readWhole(name: string, text: string): bigint {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--${name} is ${text}, must be a whole number`);
  return BigInt(text);
}

function readTft(name: string, text: string): bigint {
  if (!/^\d{1,10}(\.\d{1,18})?$/.test(text)) throw new UsageError(`--${name} is ${text}, must be TFT as 2.5`);
  return parseUnits(text, 18);
}
