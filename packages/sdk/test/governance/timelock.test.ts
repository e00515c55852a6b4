import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { formatInstant } from "@turingfog/sdk";
import {
  AlreadyScheduledError,
  cancelCall,
  connectContracts,
  encodeAction,
  executeCall,
  findOperation,
  newOperation,
  operations,
  OperationState,
  OperationStateError,
  RevertError,
  scheduleCall,
  simulate,
  stateOf,
  UnknownOperationError,
} from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { id, toBeHex, ZeroHash } from "ethers";
import { ethers } from "hardhat";

import { checkedDeployment } from "../../../../test/helpers/checkedDeployment";
import { deployProtocolFixture } from "../../../../test/helpers/fixture";

async function governed() {
  const protocol = await deployProtocolFixture();
  const { addresses } = await checkedDeployment(protocol);
  const governance = connectContracts(addresses, ethers.provider);
  const { timelock } = governance;
  const call = await encodeAction(governance, { kind: "replace-guardian", guardian: protocol.actors.stranger.address });
  const { to, data } = call;
  const send = async (step: { to: string; data: string }) =>
    protocol.actors.admin.sendTransaction({ to: step.to, data: step.data });
  return { ...protocol, governance, timelock, call: { to, data }, send };
}

async function refusalOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => new Error("nothing was refused"),
    (error: Error) => error,
  );
}

describe("timelock operations", () => {
  it("schedules, waits, executes", async () => {
    const { governance, timelock, call, send, actors, params } = await loadFixture(governed);
    const operation = await newOperation(timelock, call);
    expect(await stateOf(timelock, operation.id)).to.equal(OperationState.Unset);

    await expect(send(await scheduleCall(timelock, operation)))
      .to.emit(timelock, "CallScheduled")
      .withArgs(operation.id, 0, call.to, 0, call.data, ZeroHash, params.governor.minDelay);
    expect(await stateOf(timelock, operation.id)).to.equal(OperationState.Waiting);

    await time.increase(params.governor.minDelay);
    expect(await stateOf(timelock, operation.id)).to.equal(OperationState.Ready);
    await expect(send(await executeCall(timelock, operation)))
      .to.emit(timelock, "CallExecuted")
      .withArgs(operation.id, 0, call.to, 0, call.data);
    expect(await stateOf(timelock, operation.id)).to.equal(OperationState.Done);
    expect(await governance.oracle.guardian()).to.equal(actors.stranger.address);
  });

  describe("newOperation", () => {
    it("makes the same operation of the same call, whoever builds it", async () => {
      const { timelock, call } = await loadFixture(governed);
      expect(await newOperation(timelock, call)).to.deep.equal(await newOperation(timelock, call));
    });

    it("refuses what is waiting or ready already", async () => {
      const { timelock, call, send, params } = await loadFixture(governed);
      const operation = await newOperation(timelock, call);
      await send(await scheduleCall(timelock, operation));
      for (const state of ["waiting", "ready"]) {
        const refusal = await refusalOf(newOperation(timelock, call));
        expect(refusal).to.be.instanceOf(AlreadyScheduledError);
        expect(refusal.message).to.contain(`${operation.id} and is ${state}`);
        await time.increase(params.governor.minDelay);
      }
    });

    it("makes another operation once it was done, and the same once it was cancelled", async () => {
      const { timelock, call, send, params } = await loadFixture(governed);
      const first = await newOperation(timelock, call);
      await send(await scheduleCall(timelock, first));
      await send(await cancelCall(timelock, first.id));
      expect(await newOperation(timelock, call)).to.deep.equal(first);

      await send(await scheduleCall(timelock, first));
      await time.increase(params.governor.minDelay);
      await send(await executeCall(timelock, first));
      const second = await newOperation(timelock, call);
      expect(second).to.deep.include({ ...call, salt: toBeHex(1, 32) });
      expect(second.id).to.not.equal(first.id);
    });
  });

  describe("operations", () => {
    it("finds on the chain what was scheduled, whatever its salt, predecessor and value, and none of a batch", async () => {
      const { timelock, call, send, actors, params } = await loadFixture(governed);
      const { minDelay } = params.governor;
      const operation = await newOperation(timelock, call);
      await send(await scheduleCall(timelock, operation));
      await send(await cancelCall(timelock, operation.id));
      await send(await scheduleCall(timelock, operation));

      const admin = timelock.connect(actors.admin);
      await admin.scheduleBatch([call.to], [0], [call.data], ZeroHash, ZeroHash, minDelay);
      const foreign = [actors.stranger.address, 5n, "0x1234", operation.id, id("salt")] as const;
      await admin.schedule(...foreign, minDelay);

      const [to, value, data, predecessor, salt] = foreign;
      expect(await operations(timelock, ethers.provider, 0)).to.deep.equal([
        operation,
        { id: await timelock.hashOperation(...foreign), to, value, data, predecessor, salt },
      ]);
    });
  });

  describe("findOperation", () => {
    it("refuses an id that was never scheduled", async () => {
      const { timelock } = await loadFixture(governed);
      const refusal = await refusalOf(findOperation(timelock, ethers.provider, 0, id("nothing")));
      expect(refusal).to.be.instanceOf(UnknownOperationError);
      expect(refusal.message).to.contain(id("nothing"));
    });

    it("finds a scheduled one by its id", async () => {
      const { timelock, call, send } = await loadFixture(governed);
      const operation = await newOperation(timelock, call);
      await send(await scheduleCall(timelock, operation));
      expect(await findOperation(timelock, ethers.provider, 0, operation.id)).to.deep.equal(operation);
    });
  });

  describe("executeCall", () => {
    it("refuses before the delay has passed, and says when it will have", async () => {
      const { timelock, call, send } = await loadFixture(governed);
      const operation = await newOperation(timelock, call);
      expect((await refusalOf(executeCall(timelock, operation))).message).to.equal(
        `${operation.id} is unset, must be ready`,
      );

      await send(await scheduleCall(timelock, operation));
      const refusal = await refusalOf(executeCall(timelock, operation));
      expect(refusal).to.be.instanceOf(OperationStateError);
      const readyAt = formatInstant(await timelock.getTimestamp(operation.id));
      expect(refusal.message).to.equal(`${operation.id} is waiting until ${readyAt}, must be ready`);
    });
  });

  describe("cancelCall", () => {
    it("refuses what was done", async () => {
      const { timelock, call, send, params } = await loadFixture(governed);
      const operation = await newOperation(timelock, call);
      await send(await scheduleCall(timelock, operation));
      await time.increase(params.governor.minDelay);
      await send(await executeCall(timelock, operation));
      const refusal = await refusalOf(cancelCall(timelock, operation.id));
      expect(refusal).to.be.instanceOf(OperationStateError);
      expect(refusal.message).to.equal(`${operation.id} is done, must be waiting or ready`);
    });

    it("stops what waits", async () => {
      const { timelock, call, send } = await loadFixture(governed);
      const operation = await newOperation(timelock, call);
      await send(await scheduleCall(timelock, operation));
      await expect(send(await cancelCall(timelock, operation.id)))
        .to.emit(timelock, "Cancelled")
        .withArgs(operation.id);
      expect(await stateOf(timelock, operation.id)).to.equal(OperationState.Unset);
    });
  });

  describe("simulate", () => {
    it("finds before it waits that an action will fail, by the contract's own error", async () => {
      const { governance, timelock, params } = await loadFixture(governed);
      const call = await encodeAction(governance, { kind: "rotate-signers", signers: params.signers, quorum: 2n });
      const refusal = await refusalOf(simulate(ethers.provider, timelock.target as string, call));
      expect(refusal).to.be.instanceOf(RevertError);
      expect(refusal.message).to.equal("Oracle_InvalidQuorum(2, 4)");
    });

    it("finds that someone has not the role", async () => {
      const { timelock, call, actors } = await loadFixture(governed);
      const step = await scheduleCall(timelock, await newOperation(timelock, call));
      const refusal = await refusalOf(simulate(ethers.provider, actors.stranger.address, step));
      expect(refusal.message).to.equal(
        `AccessControlUnauthorizedAccount(${actors.stranger.address}, ${id("PROPOSER_ROLE")})`,
      );
    });

    it("leaves nothing of what it does", async () => {
      const { governance, timelock, call, params } = await loadFixture(governed);
      await simulate(ethers.provider, timelock.target as string, call);
      expect(await governance.oracle.guardian()).to.equal(params.guardian);
    });
  });
});
