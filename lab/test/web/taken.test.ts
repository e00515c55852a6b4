import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { connectContracts } from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { id } from "ethers";
import { ethers } from "hardhat";

import type * as Taken from "../../../apps/web/src/chain/taken";
import { deployProtocolFixture, type Protocol } from "../../../test/helpers/fixture";
import { DATA_HASH, ROOT, scheduleRotation, sign, submit } from "../../../test/helpers/quorum";
import { load } from "./built";

/** The clients and the blocks that the page would ask for the deployment. */
async function atDeployment({ addresses }: Protocol) {
  const own = connectContracts(addresses, ethers.provider);
  return { ...(await load<typeof Taken>("chain/taken.ts")), own, range: { provider: ethers.provider } };
}

describe("the file that the oracle has taken for a root", () => {
  it("is that of the last submission, as the chain's node tells it", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { oracle } = protocol.contracts;
    const rotate = await scheduleRotation(protocol);
    await submit(protocol);
    const { takenHash, own, range } = await atDeployment(protocol);
    expect(await takenHash(own, range, ROOT)).to.equal(DATA_HASH);

    await rotate();
    const dataHash = id("another file");
    await oracle.submit(ROOT, dataHash, await sign(oracle, protocol.actors.oracleSigners, { dataHash }));
    expect(await takenHash(own, range, ROOT)).to.equal(dataHash);
  });

  it("does not exist for a root that was never submitted", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    await submit(protocol);
    const { takenHash, UnknownRootError, own, range } = await atDeployment(protocol);
    const error: unknown = await takenHash(own, range, id("unknown")).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(UnknownRootError);
  });
});
