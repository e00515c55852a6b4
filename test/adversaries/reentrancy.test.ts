import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, HOUR, TU } from "@turingfog/sdk";
import { readSignerSet, signMessage } from "@turingfog/sdk/ethers";
import type { ReceiptTree } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { type ContractTransaction, type ContractTransactionResponse, id, MaxUint256 } from "ethers";
import { ethers } from "hardhat";

import { type HostileAgent, type HostileToken, type TestToken, TestToken__factory } from "../../typechain-types";
import { deployProtocolFixture, INITIAL_TFT, type Protocol } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import { earn, openOrder, passVetoWindow, registerNode, startEpoch, submitReceipts } from "../helpers/market";
import { expectSoundBooks, openParams } from "../helpers/orders";
import { Purse } from "./ledger";
import { lotOf } from "./lots";
import { ageAt, destroy, divide, owed, TFT, USD } from "./predictions";

const PRICE = 10n * TFT;

/** What the order costs that the agent opens. */
const DEPOSIT = 10n ** 6n;

/** All that an agent might come by twice. */
interface Stage {
  agent: HostileAgent;
  hostile: HostileToken;
  /** The hostile token, as what it was listed for. */
  asset: TestToken;
  /** The closed round of the hostile token and of TFT: a lot to buy and TFT to burn. */
  round: bigint;
  /** The closed round of USD, a lot that is old enough to be given up. */
  oldRound: bigint;
  /** Ends after an hour; 1 of its 4 TU can be settled. */
  orderId: bigint;
  calls: Calls;
}

/** What the agent would call, by the functions' names. */
type Calls = Record<string, ContractTransaction>;

/** An agent with funds, with an order to close and receipts to settle, lots to buy and to give up, and TFT to burn. */
async function setStage(protocol: Protocol): Promise<Stage> {
  const { tft, usd, escrow, timelock, controller } = protocol.contracts;
  const { admin, deployer, renters, miners, treasury } = protocol.actors;
  const agent = await ethers.deployContract("HostileAgent");
  const hostile = await ethers.deployContract("HostileToken");
  const asset = TestToken__factory.connect(await hostile.getAddress(), deployer);
  await asGovernor(timelock, admin, await escrow.listAsset.populateTransaction(hostile, 20n * TFT));
  for (const owner of [...renters, agent]) await hostile.mint(owner, 1_000_000n * TFT);
  await tft.connect(treasury).transfer(agent, INITIAL_TFT);
  await agent.act(tft, (await tft.approve.populateTransaction(controller, MaxUint256)).data);
  await agent.act(hostile, (await asset.approve.populateTransaction(escrow, MaxUint256)).data);

  const oldRound = await earn(protocol, [{ asset: usd, amount: USD, miner: miners[0] }]);
  await time.increase(31n * DAY);
  const round = await earn(protocol, [
    { asset, amount: PRICE, miner: miners[0] },
    { asset: tft, amount: 100n * TFT, miner: miners[0] },
  ]);
  await startEpoch(protocol);
  const nodeId = await registerNode(protocol, miners[1]);
  const terms = { tuAmount: 4n * TU, maxUnitPrice: PRICE, duration: HOUR, refundTo: agent };
  const orderId = await openOrder(protocol, renters[0], asset, terms);
  await time.increase(HOUR);
  const measuredAt = BigInt(await time.latest());
  const tree = await submitReceipts(protocol, [{ orderId, nodeId, cumulativeTU: TU, measuredAt }]);
  await passVetoWindow(protocol);
  const stage = { agent, hostile, asset, round, oldRound, orderId };
  return { ...stage, calls: await everything(protocol, stage, tree) };
}

/** Everything that moves money, as the agent would call it; from outside, each of these would succeed. */
async function everything(
  { contracts, actors }: Protocol,
  { asset, round, oldRound, agent }: Omit<Stage, "calls">,
  tree: ReceiptTree,
): Promise<Calls> {
  const { tft, usd, escrow, controller, pool, vault } = contracts;
  const ids = [await pool.bucketId(round, asset), await pool.bucketId(round, tft)];
  const { receiptsRoot, receipts, proof, proofFlags } = tree.multiproof();
  const opened = await escrow.queryFilter(escrow.filters.OrderOpened());
  const delivered = opened.find(({ args }) => args.asset === asset.target);
  if (delivered === undefined) throw new Error("No order was opened in the hostile token");
  return {
    openOrder: await escrow.openOrder.populateTransaction({ ...openParams(asset, actors.renters[0]), renter: agent }),
    settle: await escrow.settle.populateTransaction(asset, receiptsRoot, receipts, proof, proofFlags),
    close: await escrow.close.populateTransaction(delivered.args.orderId),
    buy: await controller.buy.populateTransaction(asset, round, PRICE, MaxUint256, agent, "0x"),
    burn: await controller.burn.populateTransaction(round),
    writeOff: await controller.writeOff.populateTransaction(usd, oldRound),
    claimFor: await pool.claimFor.populateTransaction(actors.miners[0], ids),
    claim: await pool.claim.populateTransaction(ids, agent),
    payOperations: await vault.payOperations.populateTransaction(),
  };
}

function prepare({ agent, calls }: Stage): Promise<ContractTransactionResponse> {
  return agent.prepare(Object.values(calls).map(({ to, data }) => ({ target: to, data })));
}

/** Has the agent try everything in the midst of the token's next transfer. */
async function arm(stage: Stage): Promise<void> {
  await prepare(stage);
  await stage.hostile.setHook(stage.agent, stage.agent.interface.encodeFunctionData("attempt"));
}

/** What the agent tried in the midst of a transaction, by the functions' names: all of it, and what succeeded. */
async function triedIn({ agent, calls }: Stage, transaction: ContractTransactionResponse) {
  const names = new Map(Object.entries(calls).map(([name, { data }]) => [data.slice(0, 10), name]));
  const receipt = await transaction.wait();
  const tried = await agent.queryFilter(agent.filters.Tried(), receipt?.blockNumber);
  const named = (events: typeof tried) => events.map(({ args }) => names.get(args.selector));
  return { all: named(tried), succeeded: named(tried.filter(({ args }) => args.success)) };
}

describe("An agent that reenters", () => {
  it("finds every call open from outside", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const stage = await setStage(protocol);
    await prepare(stage);

    const { succeeded } = await triedIn(stage, await stage.agent.attempt());

    expect(succeeded).to.deep.equal(Object.keys(stage.calls));
  });

  it("gets by a purchase's callback nothing of the auction twice", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, controller, vault, pool } = protocol.contracts;
    const stage = await setStage(protocol);
    const { agent, asset, round } = stage;
    await prepare(stage);
    const purse = await Purse.of([tft, asset], agent);
    const before = await tft.balanceOf(agent);
    const reserve = await tft.balanceOf(vault);

    const purchase = await controller.buy.populateTransaction(asset, round, PRICE / 2n, MaxUint256, agent, "0x01");
    const tried = await triedIn(stage, await agent.act(controller, purchase.data));

    // escrow and pool are open to him as ever, but the auction is not
    expect(tried.all).to.deep.equal(Object.keys(stage.calls));
    expect(tried.succeeded).to.deep.equal(["openOrder", "settle", "close", "claimFor", "claim", "payOperations"]);
    const paid = before - (await tft.balanceOf(agent));
    const { reward, isFinal } = await pool.bucket(await pool.bucketId(round, asset));
    expect([reward, isFinal]).to.deep.equal([divide(destroy(paid, 0n)).reward, false]);
    expect(reserve - (await tft.balanceOf(vault))).to.equal(reward);
    await purse.expectOutcome({
      adversary: "reentering agent",
      scenario: "from the callback of a purchase",
      paid: { TFT: paid, HOSTILE: DEPOSIT },
      predicted: { HOSTILE: PRICE / 2n },
    });
    await expectSoundBooks(protocol, asset);
  });

  it("settles and claims from a last fill's callback what it may at any time, and nothing of that lot", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, controller, pool } = protocol.contracts;
    const [miner, worker] = protocol.actors.miners;
    const stage = await setStage(protocol);
    const { agent, asset, round } = stage;
    await prepare(stage);
    const sold = await pool.bucketId(round, asset);
    const before = await tft.balanceOf(agent);

    const purchase = await controller.buy.populateTransaction(asset, round, PRICE, MaxUint256, agent, "0x01");
    const tried = await triedIn(stage, await agent.act(controller, purchase.data));

    expect(tried.succeeded).to.deep.equal(["openOrder", "settle", "close", "claimFor", "claim", "payOperations"]);
    // what was settled in the hook earned in the next round; what was claimed in it came too early
    const paid = before - (await tft.balanceOf(agent));
    const { reward } = divide(destroy(paid, 0n));
    expect(await pool.bucket(sold)).to.deep.equal([PRICE, reward, true]);
    const next = await pool.bucketId(round + 1n, asset);
    expect(await pool.bucket(next)).to.deep.equal([PRICE, 0n, false]);
    expect(await pool.weightOf(next, worker)).to.equal(PRICE);
    await expect(pool.claimFor(miner, [sold])).to.changeTokenBalance(tft, miner, reward);
    // the next lot is all there
    await startEpoch(protocol);
    expect((await controller.lot(asset)).remaining).to.equal(PRICE);
    expect(await asset.balanceOf(controller)).to.equal(PRICE);
    await expectSoundBooks(protocol, asset);
  });

  for (const [which, amount, remaining, doubled] of [
    ["a part of a lot", PRICE / 2n, PRICE / 2n, false],
    ["the last of a lot", PRICE, 0n, true],
  ] as const) {
    it(`reads in the callback of ${which} the lot as it will be, and the round and the rewards as they are`, async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, pool } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      const { agent, asset, round } = await setStage(protocol);
      await startEpoch(protocol);
      const lot = await lotOf(protocol, asset);
      const id = await pool.bucketId(round, asset);
      const reads = [
        await controller.lot.populateTransaction(asset),
        await controller.price.populateTransaction(asset),
        await pool.closedRound.populateTransaction(asset),
        await pool.openRound.populateTransaction(asset),
        await pool.bucket.populateTransaction(id),
        await pool.claimable.populateTransaction(miner, [id]),
      ];
      await agent.prepare(reads.map(({ to, data }) => ({ target: to, data })));

      // after two days, when the lot costs 5/16 TFT a unit
      const purchase = await controller.buy.populateTransaction(asset, round, amount, MaxUint256, agent, "0x01");
      await time.setNextBlockTimestamp(lot.start + ageAt(9n));
      const { blockNumber } = await agent.act(controller, purchase.data);
      const answers = (await agent.queryFilter(agent.filters.Tried(), blockNumber ?? undefined)).map(
        ({ args }) => args.answer,
      );

      // of 3.125 TFT for all of it the reference goes 3,125 millionths of the way to half
      const reference = 20n * TFT;
      const proceeds = owed(amount, reference, 9n, TFT);
      const shown = doubled ? reference - ((reference / 2n) * proceeds) / (1_000n * TFT) : reference;
      const [poolABI, controllerABI] = [pool.interface, controller.interface];
      expect(answers).to.deep.equal([
        controllerABI.encodeFunctionResult("lot", [[round, PRICE, remaining, lot.start, shown]]),
        // by the reference that the lot shows
        controllerABI.encodeFunctionResult("price", [owed(TFT, shown, 9n, TFT)]),
        poolABI.encodeFunctionResult("closedRound", [round, PRICE, lot.start]),
        poolABI.encodeFunctionResult("openRound", [round + 1n]),
        poolABI.encodeFunctionResult("bucket", [PRICE, 0n, false]),
        poolABI.encodeFunctionResult("claimable", [0n]),
      ]);
    });
  }

  for (const [where, succeeding] of [
    ["openOrder", ["buy", "burn", "writeOff", "claimFor", "claim", "payOperations"]],
    ["settle", ["buy", "burn", "writeOff", "claimFor", "claim", "payOperations"]],
    ["buy", ["openOrder", "settle", "close", "claimFor", "claim", "payOperations"]],
  ] as const) {
    it(`gets by a token's hook in ${where} nothing twice`, async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, pool, vault } = protocol.contracts;
      const stage = await setStage(protocol);
      const { agent, asset, round, calls } = stage;
      await arm(stage);

      const tried = await triedIn(stage, await agent.act(calls[where].to, calls[where].data));

      expect(tried).to.deep.equal({ all: Object.keys(calls), succeeded: succeeding });
      await expectSoundBooks(protocol, asset);
      // one lot and one bucket were destroyed at most, each once
      const held = await Promise.all([asset, tft].map(async (a) => pool.bucket(await pool.bucketId(round, a))));
      const claimed = await pool.queryFilter(pool.filters.Claimed());
      const paidOut = claimed.reduce((sum, { args }) => sum + args.amount, 0n);
      const rewards = held.reduce((sum, { reward }) => sum + reward, 0n);
      expect(await tft.balanceOf(pool)).to.equal(rewards - paidOut);
      expect(await tft.balanceOf(vault)).to.equal(
        350_000_000n * TFT - (await vault.released()) + (await vault.operationsOwed()),
      );
    });
  }

  it("gets by a token's hook in close nothing twice", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, escrow } = protocol.contracts;
    const stage = await setStage(protocol);
    const { agent, asset, orderId } = stage;
    await time.increase(HOUR + protocol.params.grace);
    await arm(stage);
    const purse = await Purse.of([tft, asset], agent);

    const tried = await triedIn(stage, await agent.act(escrow, (await escrow.close.populateTransaction(orderId)).data));

    expect(tried.succeeded).to.deep.equal(["buy", "burn", "writeOff", "claimFor", "claim", "payOperations"]);
    const [bought] = await protocol.contracts.controller.queryFilter(protocol.contracts.controller.filters.LotFilled());
    await purse.expectOutcome({
      adversary: "reentering agent",
      scenario: "from the transfer of a refund",
      paid: { TFT: bought.args.tftPaid },
      predicted: { HOSTILE: 4n * PRICE + PRICE },
    });
    await expectSoundBooks(protocol, asset);
  });

  it("is not called when it receives an order, and so tries nothing [T4]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { escrow } = protocol.contracts;
    const { renters } = protocol.actors;
    const stage = await setStage(protocol);
    await prepare(stage);

    const opening = escrow
      .connect(renters[0])
      .openOrder({ ...openParams(stage.asset, renters[0]), renter: stage.agent });

    expect(await triedIn(stage, await opening)).to.deep.equal({ all: [], succeeded: [] });
    await expectSoundBooks(protocol, stage.asset);
  });

  it("changes nothing as a signer's contract while its signature is checked", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { oracle, timelock, tft } = protocol.contracts;
    const { admin, oracleSigners } = protocol.actors;
    const stage = await setStage(protocol);
    await prepare(stage);
    const people = oracleSigners.slice(0, 3);
    const set = [...people.map(({ address }) => address), await stage.agent.getAddress()];
    set.sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
    await asGovernor(timelock, admin, await oracle.setSigners.populateTransaction(set, 4n));
    const purse = await Purse.of([tft, stage.asset], stage.agent);
    const { domain, version } = await readSignerSet(oracle);
    const message = { receiptsRoot: id("root"), dataHash: id("file"), signerSetVersion: version };
    const signed = await Promise.all(people.map((signer) => signMessage(signer, domain, "ReceiptBatch", message)));
    const signatures = set.map(
      (signer) => signed.find((signature) => signature.signer === signer) ?? { signer, signature: "0x" },
    );

    // it signs only when all of its calls have failed
    await expect(oracle.submit(message.receiptsRoot, message.dataHash, signatures))
      .to.emit(oracle, "RootSubmitted")
      .withArgs(message.receiptsRoot, message.dataHash, version);

    await purse.expectOutcome({
      adversary: "reentering agent",
      scenario: "from the check of its signature",
      paid: {},
      predicted: {},
    });
  });
});
