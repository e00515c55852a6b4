import { getAddress, parseUnits } from "ethers";

import type { GovernanceAction, GovernedContracts } from "@turingfog/sdk/ethers";
import { UsageError } from "./command.js";

/** Options of the actions. */
export const ACTION_OPTIONS = {
  signers: { type: "string" },
  quorum: { type: "string" },
  guardian: { type: "string" },
  asset: { type: "string" },
  "reference-price": { type: "string" },
  treasury: { type: "string" },
  share: { type: "string" },
} as const;

/** Text that explains {@link ACTION_OPTIONS} by action, for a usage text. */
export const ACTION_USAGE = `  rotate-signers     --signers ADDRESS,ADDRESS,... --quorum N   the oracle's signers, in any order; pending roots expire
  replace-guardian   --guardian ADDRESS
  list-asset         --asset ADDRESS [--reference-price TFT]    per whole unit, as 2.5; none for an asset listed before
  delist-asset       --asset ADDRESS                            no new orders; open orders and lots go on
  set-operations     [--treasury ADDRESS] [--share BASIS_POINTS]  values left out stay as they are`;

/** Values of {@link ACTION_OPTIONS}. */
export type ActionValues = Partial<Record<keyof typeof ACTION_OPTIONS, string>>;

/**
 * Reads an action from the values of a command line.
 * @param kind kind of the action, as "rotate-signers"
 * @throws UsageError
 */
export async function readAction(
  kind: string,
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
        referencePrice: readTft("reference-price", values["reference-price"] ?? "0"),
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
    default:
      throw new UsageError(`The action is ${kind || "missing"}, must be one of those in --help`);
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
