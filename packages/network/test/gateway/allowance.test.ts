import { expect } from "chai";
import type { Contract, EventLog } from "ethers";
import { ethers } from "hardhat";

import { advance, type Given, paid, UNIT_PRICE, withGateway } from "../helpers/gatewayWorld";

const DEPOSIT = UNIT_PRICE / 2n;

/** Returns every allowance that the payer gave the escrow, in their order. */
async function allowances({ world, payer }: Given): Promise<bigint[]> {
  const { usdc, protocol } = world.fixture;
  const filter = usdc.filters.Approval(payer, protocol.addresses.escrow);
  return (await usdc.queryFilter(filter)).map((event) => (event as EventLog).args.value as bigint);
}

/** Has the payer's allowance be another one, as if something else had used it. */
async function allow({ world, payer }: Given, value: bigint): Promise<void> {
  const { usdc, protocol } = world.fixture;
  const signer = await ethers.getImpersonatedSigner(payer);
  await (usdc.connect(signer) as Contract).approve(protocol.addresses.escrow, value);
}

describe("An order that is paid by approval", () => {
  it("ends an allowance that is too small before it gives another, as tokens such as USDT want it", () =>
    withGateway({ allowance: "approve" }, async (given) => {
      const { gateway } = given;
      await allow(given, 1n);
      const { id } = await paid(given);
      await advance(given, 6);
      expect((await gateway.told(id)).state).to.equal("delivered");
      expect(await allowances(given)).to.deep.equal([1n, 0n, DEPOSIT]);
    }));

  it("takes an allowance that is large enough as it is", () =>
    withGateway({ allowance: "approve" }, async (given) => {
      const { gateway } = given;
      await allow(given, DEPOSIT);
      const { id } = await paid(given);
      await advance(given, 5);
      expect((await gateway.told(id)).state).to.equal("delivered");
      expect(await allowances(given)).to.deep.equal([DEPOSIT]);
    }));

  it("is allowed again what went into another order before it was opened", () =>
    withGateway({ allowance: "approve" }, async (given) => {
      const { world, gateway, payer } = given;
      const { usdc, protocol } = world.fixture;
      const funds = (await usdc.balanceOf(payer)) as bigint;
      const { id } = await paid(given);
      await world.empty(payer);
      await advance(given, 1);
      for (const value of [0n, 2n]) {
        await allow(given, value);
        world.ahead += 60n;
        await advance(given, 1);
      }
      await (usdc.connect(protocol.actors.treasury) as Contract).transfer(payer, funds);
      world.ahead += 60n;
      await advance(given, 4);
      expect((await gateway.told(id)).state).to.equal("delivered");
      expect(await world.openings()).to.have.length(1);
      expect(await allowances(given)).to.deep.equal([DEPOSIT, 0n, DEPOSIT, 2n, 0n, DEPOSIT]);
    }));

  it("is opened before a larger one of the same look is allowed, so that neither undoes the other's allowance", () =>
    withGateway({ allowance: "approve" }, async (given) => {
      const { world } = given;
      await paid(given);
      world.ahead += 1n;
      await paid(given, { tu: "1" });
      await advance(given, 2);
      expect((await world.openings()).map(({ deposit }) => deposit)).to.deep.equal([DEPOSIT, 2n * DEPOSIT]);
      expect(await allowances(given)).to.deep.equal([DEPOSIT, 2n * DEPOSIT]);
    }));
});
