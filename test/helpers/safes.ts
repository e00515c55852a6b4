import Safe130 from "@gnosis.pm/safe-contracts/build/artifacts/contracts/GnosisSafe.sol/GnosisSafe.json";
import SafeL2130 from "@gnosis.pm/safe-contracts/build/artifacts/contracts/GnosisSafeL2.sol/GnosisSafeL2.json";
import MultiSend130 from "@gnosis.pm/safe-contracts/build/artifacts/contracts/libraries/MultiSendCallOnly.sol/MultiSendCallOnly.json";
import Factory130 from "@gnosis.pm/safe-contracts/build/artifacts/contracts/proxies/GnosisSafeProxyFactory.sol/GnosisSafeProxyFactory.json";
import Safe141 from "@safe-global/safe-contracts/build/artifacts/contracts/Safe.sol/Safe.json";
import SafeL2141 from "@safe-global/safe-contracts/build/artifacts/contracts/SafeL2.sol/SafeL2.json";
import MultiSend141 from "@safe-global/safe-contracts/build/artifacts/contracts/libraries/MultiSendCallOnly.sol/MultiSendCallOnly.json";
import Factory141 from "@safe-global/safe-contracts/build/artifacts/contracts/proxies/SafeProxyFactory.sol/SafeProxyFactory.json";
import Safe150 from "@safe-global/safe-smart-account/build/artifacts/contracts/Safe.sol/Safe.json";
import SafeL2150 from "@safe-global/safe-smart-account/build/artifacts/contracts/SafeL2.sol/SafeL2.json";
import MultiSend150 from "@safe-global/safe-smart-account/build/artifacts/contracts/libraries/MultiSendCallOnly.sol/MultiSendCallOnly.json";
import Factory150 from "@safe-global/safe-smart-account/build/artifacts/contracts/proxies/SafeProxyFactory.sol/SafeProxyFactory.json";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import {
  concat,
  Contract,
  ContractFactory,
  type ContractTransactionResponse,
  dataLength,
  type InterfaceAbi,
  solidityPacked,
  ZeroAddress,
} from "ethers";

interface Artifact {
  abi: InterfaceAbi;
  bytecode: string;
}

/** The Safes that are in use, as published: its code, its proxies' factory and the library that makes several calls. */
export const SAFES: Record<string, { safe: Artifact; factory: Artifact; multiSend: Artifact }> = {
  "1.3.0": { safe: Safe130, factory: Factory130, multiSend: MultiSend130 },
  "1.3.0 L2": { safe: SafeL2130, factory: Factory130, multiSend: MultiSend130 },
  "1.4.1": { safe: Safe141, factory: Factory141, multiSend: MultiSend141 },
  "1.4.1 L2": { safe: SafeL2141, factory: Factory141, multiSend: MultiSend141 },
  "1.5.0": { safe: Safe150, factory: Factory150, multiSend: MultiSend150 },
  "1.5.0 L2": { safe: SafeL2150, factory: Factory150, multiSend: MultiSend150 },
};

/** The part of a Transaction Builder's batch that a Safe executes. */
export interface Batch {
  chainId: string;
  transactions: { to: string; value: string; data: string }[];
}

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

enum Operation {
  Call,
  DelegateCall,
}

/** A Safe for which as many owners sign as must. */
export class TestSafe {
  private constructor(
    private readonly safe: Contract,
    private readonly multiSend: Contract,
    private readonly signing: HardhatEthersSigner[],
  ) {}

  /** Creates one for which the first owner sends, and by default all must sign. */
  static async create(version: string, owners: HardhatEthersSigner[], threshold = owners.length): Promise<TestSafe> {
    const [sender] = owners;
    const deploy = async ({ abi, bytecode }: Artifact) => {
      const contract = await new ContractFactory(abi, bytecode, sender).deploy();
      return new Contract(await contract.getAddress(), abi, sender);
    };
    const { safe, factory, multiSend } = SAFES[version];
    const [singleton, proxies, library] = [await deploy(safe), await deploy(factory), await deploy(multiSend)];
    const setup = [owners.map(({ address }) => address), threshold];
    const initializer = singleton.interface.encodeFunctionData("setup", [
      ...setup,
      ...[ZeroAddress, "0x", ZeroAddress, ZeroAddress, 0, ZeroAddress],
    ]);
    const creation = proxies.getFunction("createProxyWithNonce");
    const address = (await creation.staticCall(singleton, initializer, 0)) as string;
    await creation(singleton, initializer, 0);
    return new TestSafe(new Contract(address, safe.abi, sender), library, owners.slice(0, threshold));
  }

  get address(): string {
    return this.safe.target as string;
  }

  /** Executes a batch as the Transaction Builder has it done: one call as it is, several by the library. */
  async execute({ transactions }: Pick<Batch, "transactions">): Promise<ContractTransactionResponse> {
    const [first, ...others] = transactions;
    if (others.length === 0) return this.send(first, Operation.Call);
    const packed = transactions.map(({ to, value, data }) =>
      solidityPacked(
        ["uint8", "address", "uint256", "uint256", "bytes"],
        [Operation.Call, to, value, dataLength(data), data],
      ),
    );
    const data = this.multiSend.interface.encodeFunctionData("multiSend", [concat(packed)]);
    return this.send({ to: this.multiSend.target as string, value: "0", data }, Operation.DelegateCall);
  }

  private async send(
    { to, value, data }: Batch["transactions"][0],
    operation: Operation,
  ): Promise<ContractTransactionResponse> {
    const nonce = (await this.safe.getFunction("nonce").staticCall()) as bigint;
    const none = { safeTxGas: 0, baseGas: 0, gasPrice: 0, gasToken: ZeroAddress, refundReceiver: ZeroAddress };
    const transaction = { to, value, data, operation, ...none, nonce };
    const { chainId } = await this.signing[0].provider.getNetwork();
    const domain = { chainId, verifyingContract: this.address };
    const ascending = [...this.signing].sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
    const signatures = await Promise.all(ascending.map((owner) => owner.signTypedData(domain, SAFE_TX, transaction)));
    const args = [to, value, data, operation, ...Object.values(none), concat(signatures)];
    return (await this.safe.getFunction("execTransaction")(...args)) as ContractTransactionResponse;
  }
}
