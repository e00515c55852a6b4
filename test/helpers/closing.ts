import { time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { parseUnits } from "ethers";
import type { OpenParamsStruct } from "../../typechain-types/contracts/ComputeEscrow";
import { type Protocol } from "./fixture";
import { type Asset, openOrder, registerNode } from "./market";

export const UNIT_PRICE = parseUnits("1", 6);

/** A joint order of the first renter's, of 1 TU for a day at 1 USD; a node is attested to work on it. */
export async function openJob(
  protocol: Protocol,
  asset: Asset,
  terms: Partial<Pick<OpenParamsStruct, "renter" | "refundTo" | "duration">> = {},
) {
  const { contracts, actors } = protocol;
  const nodeId = await registerNode(protocol, actors.miners[0]);
  const orderId = await openOrder(protocol, actors.renters[0], asset, { maxUnitPrice: UNIT_PRICE, ...terms });
  const { startedAt, endsAt } = await contracts.escrow.order(orderId);
  return { orderId, nodeId, startedAt, endsAt };
}

/** Expects an order to be closable from a given second on, and the view to say so. */
export async function expectClosableFrom({ contracts: { escrow } }: Protocol, orderId: bigint, from: bigint) {
  expect((await escrow.refundable(orderId)).from, "from").to.equal(from);
  await time.setNextBlockTimestamp(from - 1n);
  await expect(escrow.close(orderId)).to.be.revertedWithCustomError(escrow, "Escrow_TooEarly").withArgs(orderId, from);
  await time.setNextBlockTimestamp(from);
  await expect(escrow.close(orderId)).to.emit(escrow, "OrderClosed");
}
