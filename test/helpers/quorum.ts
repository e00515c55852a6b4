import { time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY } from "@turingfog/sdk";
import { readDomain, signMessage } from "@turingfog/sdk/ethers";
import { type OracleMessages, type Signature } from "@turingfog/sdk/wire";
import { id, type Signer, type TypedDataDomain, Wallet } from "ethers";
import type { TUReceiptOracle } from "../../typechain-types";
import { type Protocol } from "./fixture";
import { asGovernor } from "./governor";
import { byAddress, schedule } from "./orders";

export const FREEZE_DURATION = 7n * DAY;

export const FREEZE_INTERVAL = 30n * DAY;

export const ROOT = id("receipts root");

export const DATA_HASH = id("receipt file");

/** What the signers sign for the batch, in ascending order of signer; `message` and `domain` say what they get wrong. */
export async function sign(
  oracle: TUReceiptOracle,
  signers: readonly Signer[],
  message: Partial<OracleMessages["ReceiptBatch"]> = {},
  domain: TypedDataDomain = {},
): Promise<Signature[]> {
  const batch = { receiptsRoot: ROOT, dataHash: DATA_HASH, signerSetVersion: await oracle.signerSetVersion() };
  const oracleDomain = await readDomain(oracle);
  return Promise.all(
    (await byAddress(signers)).map((signer) =>
      signMessage(signer, { ...oracleDomain, ...domain }, "ReceiptBatch", { ...batch, ...message }),
    ),
  );
}

/** Submits a root that a quorum has signed, and resolves to the time. */
export async function submit({ contracts: { oracle }, actors }: Protocol, receiptsRoot = ROOT): Promise<bigint> {
  const quorum = Number(await oracle.quorum());
  await oracle.submit(
    receiptsRoot,
    DATA_HASH,
    await sign(oracle, actors.oracleSigners.slice(0, quorum), { receiptsRoot }),
  );
  return BigInt(await time.latest());
}

export async function setSigners(
  { contracts: { oracle, timelock }, actors }: Protocol,
  signers: readonly Signer[],
  quorum: bigint,
): Promise<void> {
  await asGovernor(
    timelock,
    actors.admin,
    await oracle.setSigners.populateTransaction(await addresses(signers), quorum),
  );
}

/** Schedules that the same signers are named once more, and resolves, after the delay, to what does it. */
export async function scheduleRotation({ contracts: { oracle, timelock }, actors, params }: Protocol) {
  const call = await oracle.setSigners.populateTransaction([...(await oracle.signers())], await oracle.quorum());
  const execute = await schedule(timelock, actors.admin, call);
  await time.increase(params.governor.minDelay);
  return execute;
}

/** Some accounts, the same on every run. */
export function wallets(count: number): Wallet[] {
  return Array.from({ length: count }, (_, i) => new Wallet(id(`signer ${i}`)));
}

export async function addresses(signers: readonly Signer[]): Promise<string[]> {
  return Promise.all((await byAddress(signers)).map((signer) => signer.getAddress()));
}
