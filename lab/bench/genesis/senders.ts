import SafeArtifact from "@safe-global/safe-smart-account/build/artifacts/contracts/Safe.sol/Safe.json";
import SafeL2Artifact from "@safe-global/safe-smart-account/build/artifacts/contracts/SafeL2.sol/SafeL2.json";
import FactoryArtifact from "@safe-global/safe-smart-account/build/artifacts/contracts/proxies/SafeProxyFactory.sol/SafeProxyFactory.json";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import type { Call } from "@turingfog/operator";
import {
  concat,
  Contract,
  ContractFactory,
  type ContractTransactionReceipt,
  type ContractTransactionResponse,
  type EventLog,
  type TransactionReceipt,
  ZeroAddress,
} from "ethers";
import { ethers } from "hardhat";

import type { SenderName } from "./kinds";

/** Sends a call, and resolves to its receipt. */
export type Send = (call: Call) => Promise<TransactionReceipt>;

const SINGLETONS = { Safe: SafeArtifact, SafeL2: SafeL2Artifact };

/** Owners of a Safe, and how many of them sign. */
const OWNERS = 5;
const THRESHOLD = 3;

const SAFE_TX = {
  SafeTx: [
    { name: "to", type: "address" },
    { name: "value", type: "uint256" },
    { name: "data", type: "bytes" },
    { name: "operation", type: "uint8" },
    { name: "safeTxGas", type: "uint256" },
    { name: "baseGas", type: "uint256" },
    { name: "gasPrice", type: "uint256" },
    { name: "gasToken", type: "address" },
    { name: "refundReceiver", type: "address" },
    { name: "nonce", type: "uint256" },
  ],
};

/** Returns what sends calls as a deployer of that kind does; creates its Safe first. */
export async function senderOf(name: SenderName): Promise<Send> {
  const [deployer, ...others] = await ethers.getSigners();
  if (name === "key") return async ({ to, data }) => mined(await deployer.sendTransaction({ to, data }));

  const owners = others.slice(0, OWNERS).sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
  const safe = await createSafe(SINGLETONS[name], owners, deployer);
  const { chainId } = await ethers.provider.getNetwork();
  const domain = { chainId, verifyingContract: await safe.getAddress() };
  return async ({ to, data }) => {
    const nonce = (await safe.nonce()) as bigint;
    const call = { to, value: 0, data, operation: 0, safeTxGas: 0, baseGas: 0, gasPrice: 0 };
    const message = { ...call, gasToken: ZeroAddress, refundReceiver: ZeroAddress, nonce };
    const signing = owners.slice(0, THRESHOLD).map((owner) => owner.signTypedData(domain, SAFE_TX, message));
    const args = [to, 0, data, 0, 0, 0, 0, ZeroAddress, ZeroAddress, concat(await Promise.all(signing))];
    return mined((await safe.execTransaction(...args)) as ContractTransactionResponse);
  };
}

async function createSafe(
  { abi, bytecode }: { abi: object[]; bytecode: string },
  owners: HardhatEthersSigner[],
  deployer: HardhatEthersSigner,
): Promise<Contract> {
  const create = async (artifact: { abi: object[]; bytecode: string }) =>
    (await new ContractFactory(artifact.abi, artifact.bytecode, deployer).deploy()) as Contract;
  const [singleton, factory] = [await create({ abi, bytecode }), await create(FactoryArtifact)];
  const addresses = owners.map(({ address }) => address);
  const setup = singleton.interface.encodeFunctionData("setup", [
    addresses,
    THRESHOLD,
    ZeroAddress,
    "0x",
    ZeroAddress,
    ZeroAddress,
    0,
    ZeroAddress,
  ]);
  const creating = (await factory.createProxyWithNonce(singleton, setup, 0)) as ContractTransactionResponse;
  const { logs } = (await creating.wait()) as ContractTransactionReceipt;
  const created = logs.find((log): log is EventLog => "eventName" in log && log.eventName === "ProxyCreation");
  if (created === undefined) throw new Error("The factory created no Safe");
  return new Contract(created.args.proxy as string, abi, deployer);
}

async function mined(sent: { wait(): Promise<TransactionReceipt | null> }): Promise<TransactionReceipt> {
  const receipt = await sent.wait();
  if (receipt === null) throw new Error("The transaction is not mined");
  return receipt;
}
