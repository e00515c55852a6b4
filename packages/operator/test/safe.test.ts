import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import {
  batchChecksum,
  type Call,
  connect,
  ensureCreate2Deployer,
  KeySender,
  loadWallet,
  missingSteps,
  planDeployment,
  readParameters,
  SafeSender,
} from "@turingfog/operator";
import { RootStatus } from "@turingfog/sdk";
import {
  cancelCall,
  encodeAction,
  encodeGuardianAction,
  executeCall,
  type GuardianAction,
  newOperation,
  OperationState,
  scheduleCall,
  stateOf,
  type TimelockCall,
} from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { id } from "ethers";
import { ethers } from "hardhat";

import { projectBuild } from "../../../deploy/inProcess";
import { deployProtocolFixture, type Protocol } from "../../../test/helpers/fixture";
import { openOrder, registerNode, submitReceipts } from "../../../test/helpers/market";
import { type Batch, SAFES, TestSafe } from "../../../test/helpers/safes";
import { impersonate } from "../../../test/helpers/system";

const LOCAL = path.join(__dirname, "../../../deploy/parameters/local.json5");
const CHAIN_ID = 31_337n;
const CALLS: Call[] = [
  { description: "Pay", to: ethers.ZeroAddress, value: 5n, data: "0x" },
  { description: "Call", to: ethers.ZeroAddress, data: "0x1234" },
];

/** A batch that the Transaction Builder 1.18.2 has saved, published by 5afe/safe-cli-nodejs. */
const SAVED = {
  version: "1.0",
  chainId: "1",
  createdAt: 1_761_326_849_944,
  meta: {
    name: "Transactions Batch",
    description: "",
    txBuilderVersion: "1.18.2",
    createdFromSafeAddress: "0xA77DE01e157f9f57C7c4A326eeE9C4874D0598b6",
    createdFromOwnerAddress: "",
    checksum: "0x8b5032f716845c8b08bab3d63dbd9ba92e056f3557793cd041e59b84e16aa989",
  },
  transactions: [
    {
      to: "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48",
      value: "0",
      data: null,
      contractMethod: {
        inputs: [
          { internalType: "address", name: "spender", type: "address" },
          { internalType: "uint256", name: "value", type: "uint256" },
        ],
        name: "approve",
        payable: false,
      },
      contractInputsValues: { spender: "0x474e5Ded6b5D078163BFB8F6dBa355C3aA5478C8", value: "100000000000" },
    },
  ],
};

/** The bytes of the file to which a Safe's batch is written. */
async function written(calls: readonly Call[], title = "Title"): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), "turingfog-safe-"));
  const file = path.join(directory, "batch.json");
  await new SafeSender(file, CHAIN_ID, title).submit(calls);
  const bytes = await readFile(file, "utf8");
  await rm(directory, { recursive: true });
  return bytes;
}

/** Has a Safe execute what a command writes, once its checksum is that of the Transaction Builder. */
async function execute(safe: TestSafe, calls: readonly Call[]): Promise<void> {
  const batch = JSON.parse(await written(calls)) as Batch & { meta: { checksum: string } };
  expect(batch.meta.checksum).to.equal(batchChecksum(batch));
  await safe.execute(batch);
}

describe("Safe batches", () => {
  describe("checksum", () => {
    it("is that of a batch which the Transaction Builder has saved", () => {
      expect(batchChecksum(SAVED)).to.equal(SAVED.meta.checksum);
    });

    it("is in the file, over everything but the name", async () => {
      const batch = JSON.parse(await written(CALLS)) as typeof SAVED;
      expect(batch.meta.checksum).to.equal(batchChecksum(batch));
      expect(batchChecksum({ ...batch, meta: { ...batch.meta, name: "Other" } })).to.equal(batch.meta.checksum);
      const [first, ...others] = batch.transactions;
      const changes: object[] = [
        { chainId: "1" },
        { createdAt: 1 },
        { meta: { ...batch.meta, description: "Other" } },
        { transactions: [{ ...first, value: "6" }, ...others] },
        { transactions: [...others, first] },
      ];
      for (const change of changes) expect(batchChecksum({ ...batch, ...change })).to.not.equal(batch.meta.checksum);
    });
  });

  it("are the same bytes whoever writes them, and whenever", async () => {
    const first = await written(CALLS);
    const now = Date.now;
    Date.now = () => now() + 86_400_000;
    const later = await written(CALLS);
    Date.now = now;
    expect(later).to.equal(first);
  });

  for (const version of Object.keys(SAFES)) {
    describe(`by a Safe ${version}`, () => {
      it("deploy the system", async () => {
        const { actors } = await loadFixture(deployProtocolFixture);
        const safe = await TestSafe.create(version, [actors.stranger, actors.bidder]);
        const connection = await connect("hardhat");
        const wallet = await loadWallet({ isLocal: true, env: {} }, connection.provider);
        await ensureCreate2Deployer(connection, new KeySender(wallet, connection));
        const plan = planDeployment({ ...readParameters(LOCAL), vetoWindow: 3_600n }, await projectBuild());
        expect(await missingSteps(plan, ethers.provider)).to.have.length(plan.steps.length);
        for (const { call } of plan.steps) await execute(safe, [call]);
        expect(await missingSteps(plan, ethers.provider)).to.deep.equal([]);
      });

      it("schedule, execute and cancel, veto, freeze and thaw", async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { timelock, oracle } = protocol.contracts;
        const { stranger, bidder } = protocol.actors;
        const safe = await TestSafe.create(version, [stranger, bidder]);
        await empower(protocol, safe.address);
        const operationFor = async (guardian: string) =>
          newOperation(timelock, await encodeAction(protocol.contracts, { kind: "replace-guardian", guardian }));
        const govern = ({ to, data }: TimelockCall) => execute(safe, [{ description: "govern", to, data }]);

        const cancelled = await operationFor(bidder.address);
        await govern(await scheduleCall(timelock, cancelled));
        expect(await stateOf(timelock, cancelled.id)).to.equal(OperationState.Waiting);
        await govern(await cancelCall(timelock, cancelled.id));
        expect(await stateOf(timelock, cancelled.id)).to.equal(OperationState.Unset);

        const executed = await operationFor(stranger.address);
        await govern(await scheduleCall(timelock, executed));
        await guard(protocol, safe);
        await time.increase(await timelock.getMinDelay());
        await govern(await executeCall(timelock, executed));
        expect(await oracle.guardian()).to.equal(stranger.address);
      });
    });
  }
});

/** Makes a Safe the proposer, canceller, executor and guardian. */
async function empower({ contracts: { timelock, oracle } }: Protocol, safe: string): Promise<void> {
  const governor = await impersonate(timelock);
  for (const role of ["PROPOSER", "CANCELLER", "EXECUTOR"]) {
    await timelock.connect(governor).grantRole(id(`${role}_ROLE`), safe);
  }
  await oracle.connect(governor).setGuardian(safe);
}

/** Has a Safe veto a root, freeze and thaw. */
async function guard(protocol: Protocol, safe: TestSafe): Promise<void> {
  const { oracle, registry, usd } = protocol.contracts;
  const { miners, renters } = protocol.actors;
  const nodeId = await registerNode(protocol, miners[0]);
  const orderId = await openOrder(protocol, renters[0], usd, { maxUnitPrice: 5_000_000n });
  const measuredAt = BigInt(await time.latest());
  const { root } = await submitReceipts(protocol, [{ orderId, nodeId, cumulativeTU: 1n, measuredAt }]);
  const act = async (action: GuardianAction) => {
    const { to, data } = await encodeGuardianAction({ oracle, registry }, action);
    await execute(safe, [{ description: action.kind, to, data }]);
  };
  await act({ kind: "veto", receiptsRoot: root });
  const [status] = await oracle.status(root);
  expect(status).to.equal(RootStatus.Vetoed);
  await act({ kind: "freeze" });
  expect(await oracle.frozenUntil()).to.be.above(BigInt(await time.latest()));
  await act({ kind: "thaw" });
  expect(await oracle.frozenUntil()).to.be.at.most(BigInt(await time.latest()));
}
