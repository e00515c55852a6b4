import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, depositOf, HOUR, TU } from "@turingfog/sdk";
import { signPermit } from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { id, MaxUint256, parseUnits, ZeroAddress, ZeroHash } from "ethers";
import { ethers } from "hardhat";

import type { OpenParamsStruct } from "../../typechain-types/contracts/ComputeEscrow";
import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import { type Asset, listNode, openOrder } from "../helpers/market";
import { expectSoundBooks, listRefusingToken, openParams } from "../helpers/orders";

const MAX_DURATION = 366n * DAY;
const UINT128 = 2n ** 128n - 1n;

const UNIT_PRICE = parseUnits("1", 6);

/** Opens as the first renter, who has allowed the escrow everything. */
async function open(protocol: Protocol, asset: Asset, terms: Partial<OpenParamsStruct> = {}) {
  const { contracts, actors } = protocol;
  const [renter] = actors.renters;
  await asset.connect(renter).approve(contracts.escrow, MaxUint256);
  return contracts.escrow.connect(renter).openOrder(openParams(asset, renter, terms));
}

/** Returns the id of the first order in a new place, which is numbered by the asset's index and a serial. */
function orderIdOf(assetIndex: bigint, serial: bigint): bigint {
  return (((assetIndex << 40n) | serial) << 32n) | (assetIndex << 16n) | 1n;
}

const [TFT_INDEX, USD_INDEX, DAI_INDEX] = [1n, 2n, 3n];

describe("ComputeEscrow, opening", () => {
  describe("openOrder", () => {
    it("rejects an asset that was never listed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const other = await ethers.deployContract("TestToken", ["Other", "OTHER", 18]);

      await expect(open(protocol, other))
        .to.be.revertedWithCustomError(protocol.contracts.escrow, "Escrow_AssetNotListed")
        .withArgs(await other.getAddress());
    });

    it("rejects an asset that was delisted", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, timelock, usd } = protocol.contracts;
      await asGovernor(timelock, protocol.actors.admin, await escrow.delistAsset.populateTransaction(usd));

      await expect(open(protocol, usd))
        .to.be.revertedWithCustomError(escrow, "Escrow_AssetNotListed")
        .withArgs(await usd.getAddress());
    });

    it("rejects everything while frozen, until the second in which the freeze ends", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, oracle, usd } = protocol.contracts;
      await open(protocol, usd); // leaves an allowance
      await oracle.connect(protocol.actors.guardian).freeze();
      const until = await oracle.frozenUntil();
      const [renter] = protocol.actors.renters;
      const again = () => escrow.connect(renter).openOrder(openParams(usd, renter));

      await time.setNextBlockTimestamp(until - 1n);
      await expect(again()).to.be.revertedWithCustomError(escrow, "Escrow_Frozen").withArgs(until);
      await time.setNextBlockTimestamp(until);
      await expect(again()).to.emit(escrow, "OrderOpened");
    });

    it("opens again from a thaw on", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, oracle, usd } = protocol.contracts;
      const guarded = oracle.connect(protocol.actors.guardian);
      await guarded.freeze();
      await guarded.thaw();

      await expect(open(protocol, usd)).to.emit(escrow, "OrderOpened");
    });

    for (const duration of [0n, HOUR - 1n, MAX_DURATION + 1n]) {
      it(`rejects a duration of ${duration} seconds`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { escrow, usd } = protocol.contracts;

        await expect(open(protocol, usd, { duration }))
          .to.be.revertedWithCustomError(escrow, "Escrow_DurationOutOfBounds")
          .withArgs(duration, HOUR, MAX_DURATION);
      });
    }

    for (const duration of [HOUR, MAX_DURATION]) {
      it(`takes a duration of ${duration} seconds`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { escrow, usd } = protocol.contracts;

        await open(protocol, usd, { duration });

        const { startedAt, endsAt } = await escrow.order(orderIdOf(USD_INDEX, 1n));
        expect(startedAt).to.equal(await time.latest());
        expect(endsAt).to.equal(startedAt + duration);
      });
    }

    it("rejects a node whose attestation has lapsed, from the second after its last", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, registry, usd } = protocol.contracts;
      const [renter] = protocol.actors.renters;
      const nodeId = await listNode(protocol, protocol.actors.miners[0], usd, UNIT_PRICE);
      const { attestedUntil } = await registry.node(nodeId);
      await usd.connect(renter).approve(escrow, MaxUint256);
      const again = () => escrow.connect(renter).openOrder(openParams(usd, renter, { nodeId }));

      await time.setNextBlockTimestamp(attestedUntil);
      await expect(again()).to.emit(escrow, "OrderOpened");
      await time.setNextBlockTimestamp(attestedUntil + 1n);
      await expect(again()).to.be.revertedWithCustomError(registry, "Registry_NotAttested").withArgs(nodeId);
    });

    it("rejects a node that was never registered", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry, usd } = protocol.contracts;

      await expect(open(protocol, usd, { nodeId: 7n }))
        .to.be.revertedWithCustomError(registry, "Registry_NotAttested")
        .withArgs(7);
    });

    it("rejects a node that offers its compute in another asset only", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry, usd, dai } = protocol.contracts;
      const nodeId = await listNode(protocol, protocol.actors.miners[0], dai, UNIT_PRICE);

      await expect(open(protocol, usd, { nodeId }))
        .to.be.revertedWithCustomError(registry, "Registry_NotOffered")
        .withArgs(nodeId, await usd.getAddress());
    });

    it("rejects a node that has withdrawn its offer", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry, usd } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      const nodeId = await listNode(protocol, miner, usd, UNIT_PRICE);
      await registry.connect(miner).setListing(nodeId, usd, 0, UINT128);

      await expect(open(protocol, usd, { nodeId }))
        .to.be.revertedWithCustomError(registry, "Registry_NotOffered")
        .withArgs(nodeId, await usd.getAddress());
    });

    it("rejects more than what is left of the listing", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry, usd } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      const nodeId = await listNode(protocol, miner, usd, UNIT_PRICE);
      await registry.connect(miner).setListing(nodeId, usd, UNIT_PRICE, 3n * TU);
      await open(protocol, usd, { nodeId, tuAmount: 2n * TU });

      await expect(open(protocol, usd, { nodeId, tuAmount: TU + 1n }))
        .to.be.revertedWithCustomError(registry, "Registry_CapacityExceeded")
        .withArgs(TU + 1n, TU);
    });

    it("takes all that is left of the listing", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry, usd } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      const nodeId = await listNode(protocol, miner, usd, UNIT_PRICE);
      await registry.connect(miner).setListing(nodeId, usd, UNIT_PRICE, 3n * TU);

      await open(protocol, usd, { nodeId, tuAmount: 2n * TU });
      expect(await registry.listing(nodeId, usd)).to.deep.equal([UNIT_PRICE, TU]);
      await open(protocol, usd, { nodeId, tuAmount: TU });
      expect(await registry.listing(nodeId, usd)).to.deep.equal([UNIT_PRICE, 0n]);
    });

    it("rejects a listing above the payer's limit", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const nodeId = await listNode(protocol, protocol.actors.miners[0], usd, UNIT_PRICE);

      await expect(open(protocol, usd, { nodeId, maxUnitPrice: UNIT_PRICE - 1n }))
        .to.be.revertedWithCustomError(escrow, "Escrow_PriceAboveMax")
        .withArgs(UNIT_PRICE, UNIT_PRICE - 1n);
    });

    it("rejects a deposit above what fits in 128 bits", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const [tuAmount, maxUnitPrice] = [2n ** 96n - 1n, UINT128];
      const deposit = depositOf(tuAmount, maxUnitPrice);

      await expect(open(protocol, usd, { tuAmount, maxUnitPrice }))
        .to.be.revertedWithCustomError(escrow, "SafeCastOverflowedUintDowncast")
        .withArgs(128, deposit);
    });

    for (const [title, terms] of [
      ["no TU", { tuAmount: 0n }],
      ["a price of zero", { maxUnitPrice: 0n }],
    ] as const) {
      it(`rejects an order of ${title}`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { escrow, usd } = protocol.contracts;

        await expect(open(protocol, usd, terms)).to.be.revertedWithCustomError(escrow, "Escrow_ZeroDeposit");
      });
    }

    it("rejects a payment reference that its payer has used [T9]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd, dai } = protocol.contracts;
      const [payer] = protocol.actors.renters;
      const paymentRef = id("invoice 1");
      await open(protocol, usd, { paymentRef });

      await expect(open(protocol, dai, { paymentRef }))
        .to.be.revertedWithCustomError(escrow, "Escrow_PaymentRefUsed")
        .withArgs(payer.address, paymentRef);
    });

    it("takes a payment reference that another payer has used, and any number of orders without one", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const [first, second] = protocol.actors.renters;
      const paymentRef = id("invoice 1");
      await open(protocol, usd, { paymentRef });
      expect(await escrow.isPaymentRefUsed(first, paymentRef)).to.equal(true);
      expect(await escrow.isPaymentRefUsed(second, paymentRef)).to.equal(false);

      await openOrder(protocol, second, usd, { maxUnitPrice: UNIT_PRICE, paymentRef });

      expect(await escrow.isPaymentRefUsed(second, paymentRef)).to.equal(true);
      for (let i = 0; i < 2; i++) {
        await expect(open(protocol, usd, { paymentRef: ZeroHash })).to.emit(escrow, "OrderOpened");
      }
      expect(await escrow.isPaymentRefUsed(first, ZeroHash)).to.equal(false);
    });

    it("rejects a renter of zero", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;

      await expect(open(protocol, usd, { renter: ZeroAddress }))
        .to.be.revertedWithCustomError(escrow, "ERC721InvalidReceiver")
        .withArgs(ZeroAddress);
    });

    it("rejects a payer who has not allowed the deposit", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = contracts;
      const [payer] = actors.renters;
      await usd.connect(payer).approve(escrow, UNIT_PRICE - 1n);

      await expect(escrow.connect(payer).openOrder(openParams(usd, payer)))
        .to.be.revertedWithCustomError(usd, "ERC20InsufficientAllowance")
        .withArgs(await escrow.getAddress(), UNIT_PRICE - 1n, UNIT_PRICE);
    });

    it("rejects an asset that delivers less than was sent", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow } = protocol.contracts;
      const token = await listRefusingToken(protocol);
      await open(protocol, token); // leaves something to be taken from
      await token.setFee(1);

      await expect(open(protocol, token))
        .to.be.revertedWithCustomError(escrow, "Escrow_DepositNotReceived")
        .withArgs(UNIT_PRICE - 1n, UNIT_PRICE);
    });

    it("opens a joint order at the payer's price and tells of all its terms [T1] [T6]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, dai } = contracts;
      const [payer, renter] = actors.renters;
      await dai.connect(payer).approve(escrow, MaxUint256);
      const orderId = orderIdOf(DAI_INDEX, 1n);
      const startedAt = BigInt(await time.latest()) + 10n;
      const endsAt = startedAt + 2n * DAY;
      const [tuAmount, unitPrice, deposit] = [TU / 2n, 7n, 4n]; // 3.5 rounded up
      const params = openParams(dai, renter, {
        tuAmount,
        maxUnitPrice: unitPrice,
        duration: 2n * DAY,
        refundTo: payer.address,
        paymentRef: id("invoice 1"),
      });
      await time.setNextBlockTimestamp(startedAt);

      const opening = escrow.connect(payer).openOrder(params);

      await expect(opening)
        .to.emit(escrow, "OrderOpened")
        .withArgs(
          orderId,
          0,
          payer.address,
          await dai.getAddress(),
          tuAmount,
          unitPrice,
          deposit,
          endsAt,
          payer.address,
          id("job"),
          id("invoice 1"),
        )
        .and.to.emit(escrow, "Transfer")
        .withArgs(ZeroAddress, renter.address, orderId);
      await expect(opening).to.changeTokenBalances(dai, [payer, escrow], [-deposit, deposit]);
      expect(await escrow.order(orderId)).to.deep.equal([
        0n,
        await dai.getAddress(),
        unitPrice,
        tuAmount,
        0n,
        deposit,
        0n,
        startedAt,
        endsAt,
        payer.address,
      ]);
      expect(await escrow.ownerOf(orderId)).to.equal(renter.address);
      expect(await escrow.liabilities(dai)).to.equal(deposit);
      await expectSoundBooks(protocol, dai);
    });

    it("opens an order on a node at its listing's price, below the payer's", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const [renter] = protocol.actors.renters;
      const nodeId = await listNode(protocol, protocol.actors.miners[0], usd, UNIT_PRICE);

      const opening = open(protocol, usd, { nodeId, tuAmount: 3n * TU, maxUnitPrice: 2n * UNIT_PRICE });

      await expect(opening).to.changeTokenBalances(usd, [renter, escrow], [-3n * UNIT_PRICE, 3n * UNIT_PRICE]);
      const order = await escrow.order(orderIdOf(USD_INDEX, 1n));
      expect([order.nodeId, order.unitPrice, order.refundTo]).to.deep.equal([nodeId, UNIT_PRICE, ZeroAddress]);
      await expectSoundBooks(protocol, usd);
    });

    it("opens an order at exactly the payer's price", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, tft } = protocol.contracts;
      const nodeId = await listNode(protocol, protocol.actors.miners[0], tft, TU);

      await expect(open(protocol, tft, { nodeId, maxUnitPrice: TU })).to.changeTokenBalance(tft, escrow, TU);

      expect((await escrow.order(orderIdOf(TFT_INDEX, 1n))).unitPrice).to.equal(TU);
    });

    for (const [tuAmount, maxUnitPrice, deposit] of [
      [1n, 1n, 1n],
      [TU, 1n, 1n],
      [TU + 1n, 1n, 2n],
      [TU / 3n, 3n, 1n],
      [2n ** 96n - 1n, 1n, 79_228_162_515n],
    ]) {
      it(`takes a deposit of ${deposit} for ${tuAmount} at ${maxUnitPrice}, rounded up`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { escrow, usd } = protocol.contracts;

        await expect(open(protocol, usd, { tuAmount, maxUnitPrice })).to.changeTokenBalance(usd, escrow, deposit);
      });
    }

    it("numbers the orders of each asset by themselves", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd, dai, tft } = protocol.contracts;

      for (const [asset, index, serial] of [
        [usd, USD_INDEX, 1n],
        [dai, DAI_INDEX, 1n],
        [usd, USD_INDEX, 2n],
        [tft, TFT_INDEX, 1n],
      ] as const) {
        await open(protocol, asset);
        const order = await escrow.order(orderIdOf(index, serial));
        expect(order.asset).to.equal(await asset.getAddress());
      }
    });

    it("leaves the renter's other orders as they are, whoever opens one for him [T2]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const [renter, stranger] = actors.renters;
      const orderId = await openOrder(protocol, renter, usd, { maxUnitPrice: UNIT_PRICE });
      const before = [await escrow.order(orderId), await escrow.refundable(orderId)];

      await openOrder(protocol, stranger, usd, { maxUnitPrice: 1n, tuAmount: 1n, renter });

      expect([await escrow.order(orderId), await escrow.refundable(orderId)]).to.deep.equal(before);
    });

    it("does not give capacity back when an order is stopped and closed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { escrow, registry, usd } = contracts;
      const [miner] = actors.miners;
      const [renter] = actors.renters;
      const nodeId = await listNode(protocol, miner, usd, UNIT_PRICE);
      await registry.connect(miner).setListing(nodeId, usd, UNIT_PRICE, 3n * TU);
      const orderId = await openOrder(protocol, renter, usd, { nodeId, maxUnitPrice: UNIT_PRICE });

      await escrow.connect(renter).stop(orderId);
      await time.increase(params.grace);
      await escrow.close(orderId);

      expect(await registry.listing(nodeId, usd)).to.deep.equal([UNIT_PRICE, 2n * TU]);
    });

    it("opens for a contract without a receiver hook, and calls it not [T4]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const renter = await ethers.deployContract("RefusingRenter");

      await open(protocol, usd, { renter });

      expect(await escrow.ownerOf(orderIdOf(USD_INDEX, 1n))).to.equal(await renter.getAddress());
    });
  });

  describe("openOrderWithPermit", () => {
    const DEADLINE = MaxUint256;

    it("rejects an asset that is not listed, before it calls it", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = contracts;
      const [payer] = actors.renters;
      const permit = { deadline: DEADLINE, v: 27, r: id("r"), s: id("s") };
      const asset = actors.stranger.address; // no contract

      await expect(escrow.connect(payer).openOrderWithPermit({ ...openParams(usd, payer), asset }, permit))
        .to.be.revertedWithCustomError(escrow, "Escrow_AssetNotListed")
        .withArgs(asset);
    });

    it("rejects a failing permit when the allowance does not cover the deposit", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const [payer] = actors.renters;
      const permit = await signPermit(payer, usd, escrow, UNIT_PRICE - 1n, DEADLINE);

      await expect(escrow.connect(payer).openOrderWithPermit(openParams(usd, payer), permit))
        .to.be.revertedWithCustomError(usd, "ERC20InsufficientAllowance")
        .withArgs(await escrow.getAddress(), 0, UNIT_PRICE);
    });

    for (const name of ["usd", "tft"] as const) {
      it(`opens an order in ${name} with a permit for the highest deposit`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { contracts, actors } = protocol;
        const { escrow, [name]: asset } = contracts;
        const [payer] = actors.renters;
        const params = openParams(asset, payer, { tuAmount: TU + 1n });
        const deposit = UNIT_PRICE + 1n; // rounded up
        const permit = await signPermit(payer, asset, escrow, deposit, DEADLINE);

        const opening = escrow.connect(payer).openOrderWithPermit(params, permit);

        await expect(opening).to.changeTokenBalances(asset, [payer, escrow], [-deposit, deposit]);
        expect(await asset.allowance(payer, escrow)).to.equal(0);
        await expectSoundBooks(protocol, asset);
      });
    }

    it("takes the listing's price only, with a permit for more", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const [payer] = actors.renters;
      const nodeId = await listNode(protocol, actors.miners[0], usd, UNIT_PRICE);
      const params = openParams(usd, payer, { nodeId, maxUnitPrice: 3n * UNIT_PRICE });
      const permit = await signPermit(payer, usd, escrow, 3n * UNIT_PRICE, DEADLINE);

      await expect(escrow.connect(payer).openOrderWithPermit(params, permit)).to.changeTokenBalances(
        usd,
        [payer, escrow],
        [-UNIT_PRICE, UNIT_PRICE],
      );
    });

    it("opens though someone has used the permit first [T8]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const [payer] = actors.renters;
      const permit = await signPermit(payer, usd, escrow, UNIT_PRICE, DEADLINE);
      const { deadline, v, r, s } = permit;
      await usd.connect(actors.stranger).permit(payer, escrow, UNIT_PRICE, deadline, v, r, s);

      await expect(escrow.connect(payer).openOrderWithPermit(openParams(usd, payer), permit)).to.changeTokenBalances(
        usd,
        [payer, escrow],
        [-UNIT_PRICE, UNIT_PRICE],
      );
    });

    it("opens with an allowance though the permit has expired [T8]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const [payer] = actors.renters;
      const permit = await signPermit(payer, usd, escrow, UNIT_PRICE, BigInt(await time.latest()) - 1n);
      await usd.connect(payer).approve(escrow, UNIT_PRICE);

      await expect(escrow.connect(payer).openOrderWithPermit(openParams(usd, payer), permit)).to.emit(
        escrow,
        "OrderOpened",
      );
    });
  });

  describe("reentrancy", () => {
    it("is refused to an asset that calls back in the middle of a deposit", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow } = contracts;
      const [payer] = actors.renters;
      const token = await listRefusingToken(protocol);
      const orderId = await openOrder(protocol, payer, token, { maxUnitPrice: UNIT_PRICE });
      const params = openParams(token, payer);
      const encoded = { ...params, asset: await token.getAddress(), renter: payer.address };
      const permit = { deadline: MaxUint256, v: 27, r: id("r"), s: id("s") };
      const receipt = { orderId, nodeId: 1n, cumulativeTU: TU, measuredAt: 1n };

      for (const call of [
        escrow.interface.encodeFunctionData("openOrder", [encoded]),
        escrow.interface.encodeFunctionData("openOrderWithPermit", [encoded, permit]),
        escrow.interface.encodeFunctionData("settle", [encoded.asset, id("root"), [receipt], [], []]),
        escrow.interface.encodeFunctionData("close", [orderId]),
      ]) {
        await token.callOnTransfer(escrow, call);
        await expect(escrow.connect(payer).openOrder(params)).to.be.revertedWithCustomError(
          escrow,
          "ReentrancyGuardReentrantCall",
        );
        await expect(escrow.connect(payer).openOrderWithPermit(params, permit)).to.be.revertedWithCustomError(
          escrow,
          "ReentrancyGuardReentrantCall",
        );
      }
    });
  });

  describe("the token of an order", () => {
    it("is an ERC-721", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);

      expect(await contracts.escrow.name()).to.equal("TuringFog Compute Order");
      expect(await contracts.escrow.symbol()).to.equal("TFORDER");
      expect(await contracts.escrow.supportsInterface("0x80ac58cd")).to.equal(true);
    });

    it("cannot be transferred when the refund is promised to someone, in any way [T32]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const [gateway, renter, buyer] = actors.renters;
      const orderId = await openOrder(protocol, gateway, usd, {
        maxUnitPrice: UNIT_PRICE,
        renter,
        refundTo: gateway.address,
      });
      const held = escrow.connect(renter);
      await held.setApprovalForAll(buyer, true);

      for (const transfer of [
        () => held.transferFrom(renter, buyer, orderId),
        () => held["safeTransferFrom(address,address,uint256)"](renter, buyer, orderId),
        () => escrow.connect(buyer).transferFrom(renter, buyer, orderId),
      ]) {
        await expect(transfer())
          .to.be.revertedWithCustomError(escrow, "Escrow_NotTransferable")
          .withArgs(orderId, gateway.address);
      }
    });

    it("cannot be transferred or opened to the escrow [T32]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const [renter] = actors.renters;
      const orderId = await openOrder(protocol, renter, usd, { maxUnitPrice: UNIT_PRICE });
      const held = escrow.connect(renter);
      await usd.connect(renter).approve(escrow, MaxUint256);

      for (const call of [
        () => held.transferFrom(renter, escrow, orderId),
        () => held["safeTransferFrom(address,address,uint256)"](renter, escrow, orderId),
        async () => held.openOrder({ ...openParams(usd, renter), renter: escrow }),
      ]) {
        await expect(call()).to.be.revertedWithCustomError(escrow, "ERC721InvalidReceiver").withArgs(escrow);
      }
    });

    it("cannot promise its refund to the escrow", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const [renter] = protocol.actors.renters;
      await usd.connect(renter).approve(escrow, MaxUint256);
      const params = { ...openParams(usd, renter), refundTo: escrow };

      await expect(escrow.connect(renter).openOrder(params))
        .to.be.revertedWithCustomError(escrow, "Escrow_InvalidRefundTo")
        .withArgs(escrow);
    });

    it("changes hands when the refund is the holder's", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const [renter, buyer] = actors.renters;
      const orderId = await openOrder(protocol, renter, usd, { maxUnitPrice: UNIT_PRICE });

      await expect(escrow.connect(renter).transferFrom(renter, buyer, orderId))
        .to.emit(escrow, "Transfer")
        .withArgs(renter.address, buyer.address, orderId);

      expect(await escrow.ownerOf(orderId)).to.equal(buyer.address);
    });
  });
});
