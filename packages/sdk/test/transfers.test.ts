import { loadFixture, setCode, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, HOUR, TU } from "@turingfog/sdk";
import {
  BlockedAccountError,
  type OrderRequest,
  RevertError,
  TransferRefusedError,
  TuringFog,
} from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { type Contract, id, Interface, MaxUint256, toBeHex, Wallet } from "ethers";
import { ethers } from "hardhat";

import { deployProtocolFixture, type Protocol } from "../../../test/helpers/fixture";
import { openOrder, passVetoWindow, registerNode, submitReceipts } from "../../../test/helpers/market";
import { type Answer, overlay } from "./helpers/overlay";
import { deployUSDC, deployWETH, listToken } from "./helpers/realTokens";
import { type TestToken, TestToken__factory } from "../../../typechain-types";

const AMOUNT = 5_000_000n;
const FROZEN = id("AddressFrozen()").slice(0, 10);
const TOKEN = new Interface([
  "function transfer(address,uint256)",
  "function transferFrom(address,address,uint256)",
  "function isBlacklisted(address)",
  "function isBlackListed(address)",
  "function isFrozen(address)",
  "function isBlocked(address)",
  "function paused()",
]);

/** The deployed protocol with a token that anyone can mint, and that gives set answers to some calls. */
async function connect() {
  const protocol = await deployProtocolFixture();
  const { contracts, actors } = protocol;
  const [renter] = actors.renters;
  const { address } = Wallet.createRandom();
  const implementation = await contracts.usd.getAddress();
  const answer = (...answers: Answer[]) => setCode(address, overlay(answers, implementation));
  await answer();
  const token = TestToken__factory.connect(address, renter);
  await token.mint(renter, AMOUNT);
  await token.approve(contracts.escrow, MaxUint256);
  await listToken(protocol, address);
  const fog = new TuringFog(protocol.addresses, ethers.provider).connect(renter);
  return { ...protocol, protocol, fog, renter, token, answer, escrow: await contracts.escrow.getAddress() };
}

/** The same with WETH and USDC as published. */
async function connectReal() {
  const context = await connect();
  const { actors, renter, protocol } = context;
  const tokens = {
    weth: await deployWETH(actors.deployer, renter),
    usdc: await deployUSDC(actors.deployer, renter.address),
  };
  for (const token of Object.values(tokens)) await listToken(protocol, await token.getAddress());
  return { ...context, tokens };
}

const request = (asset: string): OrderRequest => ({ asset, tuAmount: TU, maxUnitPrice: AMOUNT, duration: DAY });

async function rejection(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => expect.fail("it was not rejected"),
    (error: unknown) => error as Error,
  );
}

const yes = (name: string, ...args: unknown[]): Answer => ({
  call: TOKEN.encodeFunctionData(name, args),
  returns: toBeHex(1, 32),
});

describe("transfers that a token refuses", () => {
  describe("by an issuer's list", () => {
    for (const list of ["isBlacklisted", "isBlackListed", "isFrozen", "isBlocked"]) {
      it(`are not sent if ${list} tells of the escrow, though the token would take the deposit`, async () => {
        const { fog, token, answer, escrow, contracts } = await loadFixture(connect);
        await answer(yes(list, escrow));
        const asset = await token.getAddress();
        for (const open of ["openOrder", "openOrderWithPermit"] as const) {
          const error = await rejection(fog[open](request(asset)));
          expect(error).to.be.instanceOf(BlockedAccountError);
          expect(error).to.include({ asset, account: escrow, list });
          expect(error.message).to.match(
            new RegExp(`^${asset} blocks the escrow ${escrow}: ${list}\\(${escrow}\\) is true`),
          );
        }
        expect(await token.balanceOf(escrow)).to.equal(0n);
        // the contract takes it
        await contracts.escrow.connect(fog.runner).openOrder({
          ...request(asset),
          nodeId: 0n,
          renter: contracts.pool,
          refundTo: contracts.pool,
          jobHash: id("job"),
          paymentRef: id("invoice"),
          reuse: 0n,
        });
        expect(await token.balanceOf(escrow)).to.equal(AMOUNT);
      });
    }

    it("are not sent if it tells of the controller, where earnings go, or of the payer", async () => {
      const { fog, token, answer, renter, contracts } = await loadFixture(connect);
      const asset = await token.getAddress();
      const controller = await contracts.controller.getAddress();
      const no = { call: TOKEN.encodeFunctionData("isFrozen", [contracts.escrow.target]), returns: toBeHex(0, 32) };
      for (const [party, account] of [
        ["the controller", controller],
        ["the payer", renter.address],
      ]) {
        await answer(no, yes("isFrozen", account));
        const error = await rejection(fog.openOrder(request(asset)));
        expect(error).to.be.instanceOf(BlockedAccountError).with.property("account", account);
        expect(error.message).to.contain(`blocks ${party} ${account}`);
      }
    });

    it("are not sent if USDC has blacklisted the escrow", async () => {
      const { fog, tokens, escrow } = await loadFixture(connectReal);
      await tokens.usdc.blacklist(escrow);
      const error = await rejection(fog.openOrder(request(await tokens.usdc.getAddress())));
      expect(error).to.be.instanceOf(BlockedAccountError).with.property("list", "isBlacklisted");
    });
  });

  describe("without words", () => {
    it("are explained by allowance and balance for WETH", async () => {
      const { fog, tokens, renter, escrow } = await loadFixture(connectReal);
      const weth = tokens.weth.connect(renter) as Contract;
      const asset = await weth.getAddress();
      const beyond = { ...request(asset), maxUnitPrice: 2n * TU };
      const both = await rejection(fog.openOrder(beyond));
      expect(both).to.be.instanceOf(TransferRefusedError);
      expect(both).to.have.deep.property("reasons", [
        `the payer holds ${TU} of it`,
        `the payer allows the escrow 0: approve ${escrow} for the amount`,
      ]);
      expect(both.message).to.equal(
        `${asset} refuses to move up to ${2n * TU} from the payer ${renter.address} to the escrow ${escrow} ` +
          `(no reason given): the payer holds ${TU} of it; the payer allows the escrow 0: approve ${escrow} for the amount`,
      );
      await weth.approve(escrow, MaxUint256);
      const poor = await rejection(fog.openOrder(beyond));
      expect(poor).to.have.deep.property("reasons", [`the payer holds ${TU} of it`]);
      await fog.openOrder({ ...beyond, maxUnitPrice: TU });
    });

    it("are explained by a pause", async () => {
      const { fog, token, answer, renter, escrow } = await loadFixture(connect);
      const call = TOKEN.encodeFunctionData("transferFrom", [renter.address, escrow, AMOUNT]);
      await answer({ call, reverts: "0x" }, yes("paused"));
      const error = await rejection(fog.openOrder(request(await token.getAddress())));
      expect(error).to.be.instanceOf(TransferRefusedError).with.deep.property("reasons", ["it is paused"]);
    });

    it("are explained if the token only answers with false", async () => {
      const { fog, token, answer, renter, escrow } = await loadFixture(connect);
      const call = TOKEN.encodeFunctionData("transferFrom", [renter.address, escrow, AMOUNT]);
      await answer({ call, returns: toBeHex(0, 32) });
      await token.approve(escrow, 1n);
      const asset = await token.getAddress();
      const error = await rejection(fog.openOrder(request(asset)));
      expect(error).to.be.instanceOf(TransferRefusedError);
      expect(error.message).to.contain(`(SafeERC20FailedOperation(${asset})): the payer allows the escrow 1`);
    });

    it("say so if nothing stands against them", async () => {
      const { fog, token, answer, renter, escrow } = await loadFixture(connect);
      const call = TOKEN.encodeFunctionData("transferFrom", [renter.address, escrow, AMOUNT]);
      await answer({ call, reverts: "0x" });
      const error = await rejection(fog.openOrder(request(await token.getAddress())));
      expect(error).to.be.instanceOf(TransferRefusedError).with.deep.property("reasons", []);
      expect(error.message).to.match(
        /\(no reason given\): balance, allowance and the lists that are known would allow it$/,
      );
    });

    it("are explained at a settlement by the list that blocks the controller", async () => {
      const { fog, protocol, contracts, token, answer, escrow } = await loadFixture(connect);
      const asset = await token.getAddress();
      const tree = await settling(protocol, token);
      const controller = await contracts.controller.getAddress();
      const call = TOKEN.encodeFunctionData("transfer", [controller, AMOUNT]);
      const no = { call: TOKEN.encodeFunctionData("isBlocked", [escrow]), returns: toBeHex(0, 32) };
      await answer({ call, reverts: "0x" }, no, yes("isBlocked", controller));
      const error = await rejection(fog.settle(asset, tree));
      expect(error).to.be.instanceOf(TransferRefusedError);
      expect(error).to.have.deep.property("reasons", [
        `its issuer has blocked the controller (isBlocked(${controller}) is true)`,
      ]);
      await answer();
      await fog.settle(asset, tree);
      expect(await token.balanceOf(controller)).to.equal(AMOUNT);
    });
  });

  describe("in words of their own", () => {
    it("tell a well-known error by name, and any other by its data", async () => {
      const { fog, token, answer, renter, escrow } = await loadFixture(connect);
      const call = TOKEN.encodeFunctionData("transferFrom", [renter.address, escrow, AMOUNT]);
      for (const [reverts, words] of [
        [FROZEN, "AddressFrozen()"],
        ["0x12345678", "an unknown error, 0x12345678"],
      ]) {
        await answer({ call, reverts });
        const error = await rejection(fog.openOrder(request(await token.getAddress())));
        expect(error).to.be.instanceOf(TransferRefusedError);
        expect(error.message).to.contain(`(${words}): balance, allowance`);
      }
    });

    it("pass on as they are if the protocol's contracts or USDC's strings have them", async () => {
      const { fog, tokens } = await loadFixture(connectReal);
      const error = await rejection(fog.openOrder(request(await tokens.usdc.getAddress())));
      expect(error).to.be.instanceOf(RevertError);
      expect(error.message).to.equal("Error(ERC20: transfer amount exceeds allowance)");
    });
  });
});

/** A final tree with a receipt that earns a renter's whole deposit. */
async function settling(protocol: Protocol, token: TestToken) {
  const { miners, renters } = protocol.actors;
  const nodeId = await registerNode(protocol, miners[0]);
  const orderId = await openOrder(protocol, renters[0], token, { maxUnitPrice: AMOUNT });
  await time.increase(HOUR);
  const measuredAt = BigInt(await time.latest());
  const tree = await submitReceipts(protocol, [{ orderId, nodeId, cumulativeTU: TU, measuredAt }]);
  await passVetoWindow(protocol);
  return tree;
}
