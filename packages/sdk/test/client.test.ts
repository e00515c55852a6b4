import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { loadFixture, mine, time } from "@nomicfoundation/hardhat-network-helpers";
import { bucketId, claimShare, DAY, depositOf, HOUR, TU } from "@turingfog/sdk";
import {
  MissingAddressError,
  NoProviderError,
  NoSignerError,
  type OrderRequest,
  OtherChainError,
  PermitRefusedError,
  readDomain,
  RevertError,
  type SystemAddresses,
  TuringFog,
  UnknownAssetError,
  withRevertDecoded,
} from "@turingfog/sdk/ethers";
import { NotDeployedError, readAddresses } from "@turingfog/sdk/node";
import { ACKNOWLEDGEMENT, UnknownReceiptError } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { id, MaxUint256, type TypedDataDomain, Wallet, ZeroAddress } from "ethers";
import { ethers } from "hardhat";

import { deployProtocolFixture } from "../../../test/helpers/fixture";
import {
  earn,
  listNode,
  openOrder,
  passVetoWindow,
  registerNode,
  startEpoch,
  stopAndClose,
  submitReceipts,
} from "../../../test/helpers/market";
import { expectSoundBooks } from "../../../test/helpers/orders";

const UNIT_PRICE = 16_000_000n;

async function connect() {
  const protocol = await deployProtocolFixture();
  const { addresses, contracts, actors } = protocol;
  const reader = new TuringFog(addresses, ethers.provider);
  const [renter] = actors.renters;
  const usd = await contracts.usd.getAddress();
  const request: OrderRequest = { asset: usd, tuAmount: TU / 3n, maxUnitPrice: UNIT_PRICE, duration: DAY };
  return { ...protocol, protocol, reader, fog: reader.connect(renter), renter, usd, request };
}

/** With an order of the renter's that is closed, and what the next ones are paid with. */
async function withClosedOrder() {
  const connected = await connect();
  const { fog, protocol, contracts, renter, request } = connected;
  await contracts.usd.connect(renter).approve(contracts.escrow, MaxUint256);
  const { orderId: closed } = await fog.openOrder(request);
  await stopAndClose(protocol, renter, closed);
  return { ...connected, closed };
}

/** Waits until so many transactions are pending. */
async function pending(count: number): Promise<void> {
  let block: { transactions: string[] };
  do block = (await ethers.provider.send("eth_getBlockByNumber", ["pending", false])) as typeof block;
  while (block.transactions.length < count);
}

/** What a promise rejects with; fails when it does not. */
async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail("it was not rejected"),
    (error: unknown) => error,
  );
}

describe("TuringFog", () => {
  describe("constructor and connect", () => {
    it("reach every contract of the address book", async () => {
      const { reader, contracts } = await loadFixture(connect);
      expect(await reader.contracts.tft.burned()).to.equal(0n);
      expect(await reader.contracts.vault.RESERVE()).to.equal(await contracts.vault.RESERVE());
      expect((await reader.contracts.controller.supply()).total).to.equal(await reader.contracts.tft.NOMINAL_SUPPLY());
      expect(await reader.contracts.pool.ESCROW()).to.equal(await reader.contracts.escrow.getAddress());
      expect(await reader.contracts.oracle.quorum()).to.equal(3n);
      expect(await reader.contracts.registry.ORACLE()).to.equal(await reader.contracts.oracle.getAddress());
      expect(await reader.contracts.genesis.PLAN_HASH()).to.equal(await contracts.genesis.PLAN_HASH());
    });

    it("name the contract that an address book lacks", async () => {
      const { reader } = await loadFixture(connect);
      const addresses: Partial<SystemAddresses> = { ...reader.addresses };
      delete addresses.genesis;
      expect(() => new TuringFog(addresses as SystemAddresses, ethers.provider)).to.throw(
        MissingAddressError,
        "The addresses have no genesis",
      );
    });
  });

  describe("at", () => {
    /** A directory with the address book of the deployed system under a name. */
    async function withBook(network: string, chainId: number, addresses: object): Promise<string> {
      const directory = await mkdtemp(path.join(tmpdir(), "address-books-"));
      await writeFile(path.join(directory, `${network}.json`), JSON.stringify({ chainId, addresses }));
      return directory;
    }

    it("refuses a network without an address book, and says which have one", async () => {
      const { reader } = await loadFixture(connect);
      const directory = await withBook("sepolia", 31_337, reader.addresses);
      const error = await rejection(
        readAddresses("mainnet", directory).then((book) => TuringFog.at(book, ethers.provider)),
      );
      expect(error).to.be.instanceOf(NotDeployedError);
      expect(error).to.have.property(
        "message",
        `No deployment to mainnet is known: there is no ${path.join(directory, "mainnet.json")}; known are sepolia`,
      );
    });

    it("refuses a runner that knows no chain", async () => {
      const { reader } = await loadFixture(connect);
      const directory = await withBook("sepolia", 31_337, reader.addresses);
      expect(
        await rejection(readAddresses("sepolia", directory).then((book) => TuringFog.at(book, Wallet.createRandom()))),
      ).to.be.instanceOf(NoProviderError);
    });

    it("refuses a runner on another chain", async () => {
      const { reader } = await loadFixture(connect);
      const directory = await withBook("sepolia", 11_155_111, reader.addresses);
      const error = await rejection(
        readAddresses("sepolia", directory).then((book) => TuringFog.at(book, ethers.provider)),
      );
      expect(error).to.be.instanceOf(OtherChainError);
      expect(error).to.have.property(
        "message",
        "The node is on chain 31337, the deployment on 11155111: " +
          "check the network, where its address book is and the RPC URL",
      );
    });

    it("connects to the deployment of the network", async () => {
      const { reader } = await loadFixture(connect);
      const directory = await withBook("sepolia", 31_337, reader.addresses);
      const fog = await readAddresses("sepolia", directory).then((book) => TuringFog.at(book, ethers.provider));
      expect(fog.addresses).to.deep.equal(reader.addresses);
      expect(await fog.contracts.tft.burned()).to.equal(0n);
    });
  });

  describe("openOrder", () => {
    it("needs a signer", async () => {
      const { reader, request } = await loadFixture(connect);
      expect(await rejection(reader.openOrder(request))).to.be.instanceOf(NoSignerError);
    });

    it("tells why the escrow has refused", async () => {
      const { fog, request } = await loadFixture(connect);
      const error = await rejection(fog.openOrder({ ...request, duration: 60n }));
      expect(error).to.be.instanceOf(RevertError);
      expect(error).to.have.property("message", `Escrow_DurationOutOfBounds(60, 3600, ${366n * DAY})`);
    });

    it("opens a joint order for the payer himself when nothing else is said", async () => {
      const { fog, contracts, renter, request } = await loadFixture(connect);
      await contracts.usd.connect(renter).approve(contracts.escrow, depositOf(request.tuAmount, UNIT_PRICE));
      const { orderId, receipt } = await fog.openOrder(request);
      expect(receipt.status).to.equal(1);
      expect(await contracts.escrow.ownerOf(orderId)).to.equal(renter.address);
      const order = await contracts.escrow.order(orderId);
      expect(order.nodeId).to.equal(0n);
      expect(order.refundTo).to.equal(ZeroAddress);
      expect(order.deposit).to.equal(depositOf(request.tuAmount, UNIT_PRICE));
    });

    it("opens what was asked for", async () => {
      const { fog, contracts, actors, protocol, renter, usd } = await loadFixture(connect);
      const nodeId = await listNode(protocol, actors.miners[0], contracts.usd, UNIT_PRICE - 1n);
      await contracts.usd.connect(renter).approve(contracts.escrow, UNIT_PRICE);
      const request = {
        nodeId,
        asset: usd,
        tuAmount: TU,
        maxUnitPrice: UNIT_PRICE,
        duration: 2n * HOUR,
        renter: actors.renters[1].address,
        refundTo: actors.stranger.address,
        jobHash: id("job"),
        paymentRef: id("invoice 1"),
      };
      const { orderId, receipt } = await fog.openOrder(request);
      const endsAt = BigInt(await time.latest()) + 2n * HOUR;
      await expect(receipt.getTransaction())
        .to.emit(contracts.escrow, "OrderOpened")
        .withArgs(
          orderId,
          nodeId,
          renter.address,
          usd,
          TU,
          UNIT_PRICE - 1n,
          UNIT_PRICE - 1n,
          endsAt,
          request.refundTo,
          request.jobHash,
          request.paymentRef,
        );
      expect(await contracts.escrow.ownerOf(orderId)).to.equal(request.renter);
    });

    for (const withPermit of [false, true]) {
      const how = withPermit ? "with a permit" : "out of an allowance";

      it(`takes over the place of a closed order, ${how}`, async () => {
        const { fog, request, closed } = await loadFixture(withClosedOrder);
        const order = { ...request, reuse: closed };
        const { orderId } = await (withPermit ? fog.openOrderWithPermit(order) : fog.openOrder(order));
        expect(orderId).to.equal(closed + 1n);
      });

      it(`opens in a new place if someone else has taken it over in the same block, ${how}`, async () => {
        const { fog, contracts, protocol, request, closed, actors, renter } = await loadFixture(withClosedOrder);
        if (withPermit) await contracts.usd.connect(renter).approve(contracts.escrow, 0n);
        const order = { ...request, reuse: closed };
        const other = fog.connect(actors.renters[1]);
        await contracts.usd.connect(actors.renters[1]).approve(contracts.escrow, MaxUint256);
        await ethers.provider.send("evm_setAutomine", [false]);
        try {
          const both = [
            withPermit ? fog.openOrderWithPermit(order) : fog.openOrder(order),
            other.openOrder({ ...order, paymentRef: id("other") }),
          ];
          await pending(2);
          await mine();
          const ids = (await Promise.all(both)).map(({ orderId }) => orderId);
          expect(ids).to.include(closed + 1n);
          expect(ids).to.include(closed + (1n << 32n));
        } finally {
          await ethers.provider.send("evm_setAutomine", [true]);
        }
        await expectSoundBooks(protocol, contracts.usd);
      });
    }
  });

  describe("reusableOrders", () => {
    it("are the closed orders whose places nobody has taken over, latest first", async () => {
      const { reader, fog, protocol, request, renter, closed } = await loadFixture(withClosedOrder);
      const { orderId: second } = await fog.openOrder(request);
      const { orderId: third } = await fog.openOrder({ ...request, duration: 30n * DAY });
      expect(await reader.reusableOrders()).to.deep.equal([closed]);
      await stopAndClose(protocol, renter, second);
      await stopAndClose(protocol, renter, third);
      expect(await reader.reusableOrders()).to.deep.equal([third, second, closed]);

      const { orderId: reusing } = await fog.openOrder({ ...request, reuse: second });
      expect(await reader.reusableOrders()).to.deep.equal([third, closed]);
      await stopAndClose(protocol, renter, reusing);
      expect(await reader.reusableOrders()).to.deep.equal([reusing, third, closed]);
    });
  });

  describe("openOrderWithPermit", () => {
    it("needs a signer", async () => {
      const { reader, request } = await loadFixture(connect);
      expect(await rejection(reader.openOrderWithPermit(request))).to.be.instanceOf(NoSignerError);
    });

    it("needs a provider to tell the time", async () => {
      const { reader, request } = await loadFixture(connect);
      const offline = reader.connect(Wallet.createRandom(null));
      expect(await rejection(offline.openOrderWithPermit(request))).to.be.instanceOf(NoProviderError);
    });

    it("pays the highest deposit's allowance with a signature, and leaves none when all is charged", async () => {
      const { fog, contracts, renter, request } = await loadFixture(connect);
      const deposit = depositOf(request.tuAmount, UNIT_PRICE);
      const { receipt } = await fog.openOrderWithPermit(request);
      await expect(receipt.getTransaction()).to.changeTokenBalances(
        contracts.usd,
        [renter, contracts.escrow],
        [-deposit, deposit],
      );
      expect(await contracts.usd.allowance(renter, contracts.escrow)).to.equal(0n);
    });

    it("pays in TFT as well, one permit after the other", async () => {
      const { fog, contracts, renter, request } = await loadFixture(connect);
      const inTFT = { ...request, asset: await contracts.tft.getAddress(), maxUnitPrice: 5n * TU };
      const first = await fog.openOrderWithPermit(inTFT);
      const second = await fog.openOrderWithPermit(inTFT);
      expect(second.orderId).to.equal(first.orderId + (1n << 32n));
      expect(await contracts.tft.nonces(renter)).to.equal(2n);
    });

    it("tells why the token has refused the permit", async () => {
      const { fog, request } = await loadFixture(connect);
      const error = await rejection(fog.openOrderWithPermit(request, { deadline: 1n }));
      expect(error)
        .to.be.instanceOf(PermitRefusedError)
        .with.property("reason", "ERC2612ExpiredSignature(1 = 1970-01-01T00:00:01Z)");
    });

    it("tells why the escrow has refused", async () => {
      const { fog, request } = await loadFixture(connect);
      const error = await rejection(fog.openOrderWithPermit({ ...request, duration: 60n }));
      expect(error).to.be.instanceOf(RevertError).with.property("error", "Escrow_DurationOutOfBounds");
    });

    it("signs under the domain that it is given", async () => {
      const { fog, contracts, request } = await loadFixture(connect);
      const { chainId } = await ethers.provider.getNetwork();
      const verifyingContract = await contracts.usd.getAddress();
      const domain: TypedDataDomain = { name: await contracts.usd.name(), version: "1", chainId, verifyingContract };
      const { orderId } = await fog.openOrderWithPermit(request, { domain });
      expect((await contracts.escrow.order(orderId)).tuAmount).to.equal(request.tuAmount);
      const error = await rejection(fog.openOrderWithPermit(request, { domain: { ...domain, version: "2" } }));
      expect(error).to.be.instanceOf(PermitRefusedError);
      expect(error)
        .to.have.property("reason")
        .that.matches(/^ERC2612InvalidSigner\(/);
    });
  });

  describe("settleAcknowledged", () => {
    async function acknowledged(count: number) {
      const connected = await loadFixture(connect);
      const { protocol, actors, contracts, request, fog, renter } = connected;
      const nodeId = await listNode(protocol, actors.miners[0], contracts.usd, UNIT_PRICE);
      const { orderId } = await withAllowance(connected, () => fog.openOrder({ ...request, nodeId }));
      const domain = await readDomain(contracts.escrow);
      const signed = await ACKNOWLEDGEMENT.sign(renter, domain, { orderId, cumulativeTU: TU / 3n });
      return { ...connected, orderId, nodeId, acknowledgements: Array.from({ length: count }, () => signed) };
    }

    async function withAllowance<T>({ contracts, renter }: Awaited<ReturnType<typeof connect>>, act: () => Promise<T>) {
      await contracts.usd.connect(renter).approve(contracts.escrow, MaxUint256);
      return act();
    }

    it("asks for a signer", async () => {
      const { reader, usd, acknowledgements } = await acknowledged(1);
      const error = await reader.settleAcknowledged(usd, acknowledgements).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(NoSignerError);
    });

    it("settles them in as many transactions as it takes, and the miner finds the bucket", async () => {
      const { fog, reader, usd, acknowledgements, orderId, nodeId, actors, contracts } = await acknowledged(301);
      const settlements = await fog.connect(actors.stranger).settleAcknowledged(usd, acknowledgements);
      expect(settlements).to.have.length(2);
      for (const { gasUsed } of settlements) expect(gasUsed).to.be.below(16_777_216n);
      expect(await contracts.escrow.settledTU(orderId, nodeId)).to.equal(TU / 3n);
      const found = await contracts.escrow.queryFilter(contracts.escrow.filters.AcknowledgementSettled());
      expect(found).to.have.length(1);
      // not final yet, so there is nothing to claim
      expect(await reader.claimableBuckets(actors.miners[0].address)).to.deep.equal([]);
    });

    it("says why the escrow refuses", async () => {
      const { fog, usd } = await acknowledged(1);
      const refused = fog.contracts.escrow.settleAcknowledged(usd, []);
      const error = await withRevertDecoded(refused).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(RevertError);
      expect((error as RevertError).error).to.equal("Escrow_NoAcknowledgements");
    });
  });

  describe("settle", () => {
    /** `count` joint orders in usd and one in TFT, and a final tree of a receipt for each. */
    async function receipts(count: number) {
      const context = await loadFixture(connect);
      const { protocol, contracts, actors, renter } = context;
      const nodeId = await registerNode(protocol, actors.miners[0]);
      const orderIds = [];
      for (let i = 0; i < count; ++i) {
        orderIds.push(await openOrder(protocol, renter, contracts.usd, { maxUnitPrice: UNIT_PRICE }));
      }
      orderIds.push(await openOrder(protocol, renter, contracts.tft, { maxUnitPrice: UNIT_PRICE }));
      await time.increase(HOUR);
      const measuredAt = BigInt(await time.latest());
      const tree = await submitReceipts(
        protocol,
        orderIds.map((orderId) => ({ orderId, nodeId, cumulativeTU: TU, measuredAt })),
      );
      return { ...context, tree };
    }

    it("needs a signer", async () => {
      const { reader, usd, tree } = await receipts(1);
      expect(await rejection(reader.settle(usd, tree))).to.be.instanceOf(NoSignerError);
    });

    it("rejects an asset that was never listed", async () => {
      const { fog, tree, renter } = await receipts(1);
      const error = await rejection(fog.settle(renter.address, tree));
      expect(error).to.be.instanceOf(UnknownAssetError);
      expect(error).to.have.property("message", `Asset ${renter.address} was never listed`);
    });

    it("rejects a receipt that is not in the tree", async () => {
      const { fog, usd, tree } = await receipts(1);
      const other = { ...tree.receipts.at(0), cumulativeTU: 2n * TU };
      expect(await rejection(fog.settle(usd, tree, [other]))).to.be.instanceOf(UnknownReceiptError);
    });

    it("tells why the escrow has refused", async () => {
      const { fog, usd, tree } = await receipts(1);
      const error = await rejection(fog.settle(usd, tree));
      expect(error).to.have.property("message", `Oracle_NotFinal(${tree.root}, 1)`);
    });

    it("settles the tree's receipts in the asset, and no others", async () => {
      const { fog, protocol, contracts, actors, usd, tree } = await receipts(3);
      await passVetoWindow(protocol);
      const settlements = await fog.settle(usd, tree);
      expect(settlements).to.have.length(1);
      const logs = await contracts.escrow.queryFilter(contracts.escrow.filters.ReceiptSettled());
      expect(logs.map(({ args }) => args.earned)).to.deep.equal([UNIT_PRICE, UNIT_PRICE, UNIT_PRICE]);
      expect(await contracts.escrow.queryFilter(contracts.escrow.filters.ReceiptSkipped())).to.deep.equal([]);
      const round = await contracts.pool.openRound(usd);
      expect(await contracts.pool.weightOf(bucketId(round, usd), actors.miners[0])).to.equal(3n * UNIT_PRICE);
    });

    it("settles the receipts that it is given", async () => {
      const { fog, protocol, contracts, usd, tree } = await receipts(3);
      await passVetoWindow(protocol);
      await fog.settle(usd, tree, [tree.receipts.at(1)]);
      const logs = await contracts.escrow.queryFilter(contracts.escrow.filters.ReceiptSettled());
      expect(logs.map(({ args }) => args.orderId)).to.deep.equal([tree.receipts.at(1).orderId]);
    });

    it("takes another transaction for what one cannot take, each below the gas of one", async () => {
      const { fog, protocol, contracts, usd, tree } = await receipts(340);
      await passVetoWindow(protocol);
      const settlements = await fog.settle(usd, tree);
      expect(settlements).to.have.length(2);
      for (const { gasUsed } of settlements) expect(gasUsed).to.be.below(16_777_216n);
      expect(await contracts.escrow.liabilities(usd)).to.equal(0n);
    });
  });

  describe("claimableBuckets", () => {
    it("is empty for who has earned nothing", async () => {
      const { reader, actors } = await loadFixture(connect);
      expect(await reader.claimableBuckets(actors.stranger.address)).to.deep.equal([]);
    });

    it("lists a miner's final buckets, the first earned first, until they are claimed", async () => {
      const { reader, protocol, contracts, actors } = await loadFixture(connect);
      const { tft, usd, controller, pool } = contracts;
      const [first, second] = actors.miners;
      const tftAddress = await tft.getAddress();

      const earlier = await earn(protocol, [
        { asset: tft, amount: 3_000n, miner: first },
        { asset: tft, amount: 1_000n, miner: second },
        { asset: usd, amount: 5_000_000n, miner: first },
      ]);
      await startEpoch(protocol);
      expect(await reader.claimableBuckets(first.address)).to.deep.equal([]);

      await controller.burn(earlier);
      const later = await earn(protocol, [{ asset: tft, amount: 7_000n, miner: first }]);
      await startEpoch(protocol);
      await controller.burn(later);
      // 80 % of what was burned is released, a tenth of it to operations; usd is not sold yet
      const reward = (burned: bigint) => (burned * 8n) / 10n - (burned * 8n) / 10n / 10n;
      expect(await reader.claimableBuckets(first.address)).to.deep.equal([
        {
          id: bucketId(earlier, tftAddress),
          round: earlier,
          asset: tftAddress,
          amount: claimShare(reward(4_000n), 3n, 4n),
        },
        { id: bucketId(later, tftAddress), round: later, asset: tftAddress, amount: reward(7_000n) },
      ]);
      expect(await reader.claimableBuckets(second.address)).to.deep.equal([
        {
          id: bucketId(earlier, tftAddress),
          round: earlier,
          asset: tftAddress,
          amount: claimShare(reward(4_000n), 1n, 4n),
        },
      ]);

      await pool.connect(first).claim([bucketId(earlier, tftAddress)], first);
      expect((await reader.claimableBuckets(first.address)).map(({ round }) => round)).to.deep.equal([later]);
    });

    it("looks no further than it is told", async () => {
      const { reader, protocol, contracts, actors } = await loadFixture(connect);
      const round = await earn(protocol, [{ asset: contracts.tft, amount: 7_000n, miner: actors.miners[0] }]);
      const settledIn = await time.latestBlock();
      await startEpoch(protocol);
      await contracts.controller.burn(round);
      const miner = actors.miners[0].address;
      expect(await reader.claimableBuckets(miner, settledIn, settledIn)).to.have.length(1);
      expect(await reader.claimableBuckets(miner, settledIn + 1)).to.deep.equal([]);
      expect(await reader.claimableBuckets(miner, 0, settledIn - 1)).to.deep.equal([]);
    });
  });
});
