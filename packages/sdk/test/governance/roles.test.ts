import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { checkGuardian, checkRole, checkSigner, ROLES, WrongKeyError } from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { ZeroAddress } from "ethers";
import { ethers } from "hardhat";

import { deployProtocolFixture } from "../../../../test/helpers/fixture";
import { asGovernor } from "../../../../test/helpers/governor";

async function refusalOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => new Error("nothing was refused"),
    (error: Error) => error,
  );
}

describe("errors of a wrong key", () => {
  for (const role of ["proposer", "executor", "canceller"] as const) {
    it(`name the ${role}'s role and who has it`, async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const check = (account: string) => checkRole(contracts.timelock, ethers.provider, 0, role, account);
      await check(actors.admin.address);
      const refusal = await refusalOf(check(actors.guardian.address));
      expect(refusal).to.be.instanceOf(WrongKeyError);
      expect((refusal as WrongKeyError).holders).to.deep.equal([actors.admin.address]);
      expect(refusal.message).to.equal(
        `Expected the key of ${role === "executor" ? "an" : "a"} ${role} of the timelock (${actors.admin.address}), ` +
          `got that of ${actors.guardian.address}: use the holder's key, or have the holder send it`,
      );
    });
  }

  it("name the role also if the node does not give its holders", async () => {
    const { contracts, actors } = await loadFixture(deployProtocolFixture);
    const silent = Object.create(ethers.provider, { getLogs: { value: async () => [] } }) as typeof ethers.provider;
    const refusal = await refusalOf(checkRole(contracts.timelock, silent, 0, "proposer", actors.guardian.address));
    expect(refusal).to.be.instanceOf(WrongKeyError).and.to.include({ holders: null });
    expect(refusal.message).to.contain("a proposer of the timelock (unknown: ");
  });

  it("are not thrown if executing is open to everyone", async () => {
    const { contracts, actors } = await loadFixture(deployProtocolFixture);
    const { timelock } = contracts;
    const check = (role: "executor" | "proposer") =>
      refusalOf(checkRole(timelock, ethers.provider, 0, role, actors.stranger.address));
    for (const role of [ROLES.executor, ROLES.proposer]) {
      await asGovernor(timelock, actors.admin, await timelock.grantRole.populateTransaction(role, ZeroAddress));
    }
    expect((await check("executor")).message).to.equal("nothing was refused");
    expect(await check("proposer")).to.be.instanceOf(WrongKeyError);
  });

  it("are not thrown for the guardian's or a signer's address in another casing", async () => {
    const { contracts, actors, params } = await loadFixture(deployProtocolFixture);
    await checkGuardian(contracts.oracle, actors.guardian.address.toLowerCase());
    checkSigner(params, params.signers[1].toLowerCase());
    const lower = params.signers.map((signer) => signer.toLowerCase());
    checkSigner({ signers: lower }, params.signers[1]);
  });

  it("name the guardian, and the oracle's signers", async () => {
    const { contracts, actors, params } = await loadFixture(deployProtocolFixture);
    await checkGuardian(contracts.oracle, actors.guardian.address);
    const notGuardian = await refusalOf(checkGuardian(contracts.oracle, actors.admin.address));
    expect(notGuardian).to.be.instanceOf(WrongKeyError);
    expect(notGuardian.message).to.contain(`the key of the guardian of the oracle (${actors.guardian.address}), got`);

    checkSigner(params, params.signers[1]);
    expect(() => checkSigner(params, actors.admin.address)).to.throw(
      WrongKeyError,
      `the key of a signer of the oracle (${params.signers.join(", ")}), got that of ${actors.admin.address}`,
    );
  });
});
