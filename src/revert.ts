import { ErrorFragment, Interface, isHexString, type ErrorDescription, type Result } from "ethers";

// one by one: the index of all bindings takes seconds to load, and commands need few of them
import { BuybackBurnController__factory } from "../typechain-types/factories/contracts/BuybackBurnController__factory";
import { ComputeEscrow__factory } from "../typechain-types/factories/contracts/ComputeEscrow__factory";
import { EmissionVault__factory } from "../typechain-types/factories/contracts/EmissionVault__factory";
import { Genesis__factory } from "../typechain-types/factories/contracts/Genesis__factory";
import { NodeRegistry__factory } from "../typechain-types/factories/contracts/NodeRegistry__factory";
import { RewardPool__factory } from "../typechain-types/factories/contracts/RewardPool__factory";
import { TFT__factory } from "../typechain-types/factories/contracts/TFT__factory";
import { TimelockController__factory } from "../typechain-types/factories/@openzeppelin/contracts/governance/TimelockController__factory";
import { TUReceiptOracle__factory } from "../typechain-types/factories/contracts/TUReceiptOracle__factory";
import { UniswapV3BuybackFiller__factory } from "../typechain-types/factories/contracts/periphery/UniswapV3BuybackFiller__factory";
import { TuringFogError } from "./errors";

/** A transaction or call that a contract has refused, by the error that it declares. */
export class RevertError extends TuringFogError {
  /** Of the contract's error, such as `Escrow_TooEarly`. */
  readonly error: string;
  readonly args: Result;

  constructor({ name, args }: ErrorDescription, cause: unknown) {
    super(`${name}(${args.toArray().map(String).join(", ")})`, { cause });
    this.error = name;
    this.args = args;
  }
}

const FACTORIES = [
  TFT__factory,
  EmissionVault__factory,
  TUReceiptOracle__factory,
  NodeRegistry__factory,
  RewardPool__factory,
  BuybackBurnController__factory,
  ComputeEscrow__factory,
  Genesis__factory,
  TimelockController__factory,
  UniswapV3BuybackFiller__factory,
];

/** Every error of the protocol's contracts and of those they build on; once each, though several declare it. */
const ERRORS = new Interface([
  ...new Map(
    FACTORIES.flatMap(({ abi }) => new Interface(abi).fragments)
      .filter((fragment) => ErrorFragment.isFragment(fragment))
      .map((fragment): [string, ErrorFragment] => [fragment.selector, fragment]),
  ).values(),
]);

/**
 * What a contract has said in refusing: its declared error and its arguments, `Error(reason)` or `Panic(code)`.
 * @param thrown whatever a provider, a signer or ethers threw
 * @returns null when it carries no revert data that the protocol's contracts could have given
 */
export function decodeRevert(thrown: unknown): RevertError | null {
  const data = revertData(thrown);
  const description = data === null ? null : ERRORS.parseError(data);
  return description === null ? null : new RevertError(description, thrown);
}

/**
 * Awaits a call or a transaction.
 * @throws RevertError instead of what ethers throws, when a contract has refused
 */
export async function withRevertDecoded<T>(result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    throw decodeRevert(error) ?? error;
  }
}

/** Each layer between a contract and its caller wraps the error of the one below, under names of its own. */
function revertData(thrown: unknown): string | null {
  if (isHexString(thrown)) return thrown.length >= 10 ? thrown : null;
  if (typeof thrown !== "object" || thrown === null) return null;
  for (const key of ["data", "error", "info", "cause"] as const) {
    const data = key in thrown ? revertData((thrown as Record<string, unknown>)[key]) : null;
    if (data !== null) return data;
  }
  return null;
}
