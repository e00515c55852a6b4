import { setTimeout as sleep } from "node:timers/promises";

import { setBalance, setCode, setNextBlockBaseFeePerGas } from "@nomicfoundation/hardhat-network-helpers";
import {
  type Attempt,
  type Call,
  connect,
  type Connection,
  FeeAboveLimitError,
  InsufficientBalanceError,
  KeySender,
  type KeySenderOptions,
  MemoryJournal,
  OutOfGasError,
  StuckError,
  type Submitted,
  UndoneError,
  WithoutEffectError,
} from "@turingfog/operator";
import { RevertError } from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { parseUnits, type TransactionReceipt, Wallet } from "ethers";
import { ethers, network } from "hardhat";

const GWEI = parseUnits("1", "gwei");

/** Patience that ends soon, and is long enough that a busy machine does not give up. */
async function quickConnection(patience = 0.25): Promise<Connection> {
  const connection = await connect("hardhat");
  return { ...connection, chain: { ...connection.chain, patience } };
}

/** A sender with an account of its own that has money, and a call that only pays a stranger. */
async function setUp(options: KeySenderOptions = {}) {
  const connection = await quickConnection();
  const wallet = new Wallet(Wallet.createRandom().privateKey, connection.provider);
  await setBalance(wallet.address, parseUnits("10", "ether"));
  const call: Call = { description: "Pay", to: Wallet.createRandom().address, data: "0x", value: 1n };
  const journal = new MemoryJournal();
  return { connection, wallet, call, journal, sender: new KeySender(wallet, connection, { journal, ...options }) };
}

const rpc = (method: string, ...params: unknown[]) => network.provider.send(method, params);

/** Code that no gas suffices for: it reads memory at 2³² − 1, by PUSH4 and MLOAD. */
const GREEDY = "0x63ffffffff51";

/** A connection whose provider gives other answers. */
function answering(connection: Connection, answers: Record<string, unknown>): Connection {
  const provider = Object.create(connection.provider) as Connection["provider"];
  for (const [method, answer] of Object.entries(answers)) Object.assign(provider, { [method]: async () => answer });
  return { ...connection, provider };
}

/** While it runs, nothing is mined unless it says so. */
async function withoutMining<T>(run: () => Promise<T>): Promise<T> {
  await rpc("evm_setAutomine", false);
  try {
    return await run();
  } finally {
    await rpc("evm_setAutomine", true);
    await rpc("evm_mine");
  }
}

function receiptOf(submitted: Submitted): TransactionReceipt | undefined {
  return submitted.kind === "sent" ? submitted.receipts[0] : undefined;
}

/** Resolves when the journal has so many attempts. */
async function attempts(journal: MemoryJournal, count: number): Promise<Attempt[]> {
  while (journal.attempts.length < count) await sleep(5);
  return journal.attempts;
}

describe("KeySender", () => {
  describe("submit", () => {
    it("sends nothing when the network asks more than the limit", async () => {
      const { sender, call, journal } = await setUp({ maxFeePerGas: GWEI });
      await setNextBlockBaseFeePerGas(50n * GWEI);
      await rpc("evm_mine");
      await expect(sender.submit([call])).to.be.rejectedWith(
        FeeAboveLimitError,
        /asks .* gwei for gas, the limit is 1.0 gwei/,
      );
      expect(journal.attempts).to.deep.equal([]);
    });

    it("sends nothing when the account cannot pay", async () => {
      const { sender, call, journal, wallet } = await setUp();
      await setBalance(wallet.address, 21_000n);
      await expect(sender.submit([call])).to.be.rejectedWith(
        InsufficientBalanceError,
        new RegExp(`^${wallet.address} has 0.000000000000021 ETH, but may need \\d+\\.\\d+ ETH: send it the rest$`),
      );
      expect(journal.attempts).to.deep.equal([]);
    });

    it("sends nothing that a contract would refuse, and says what the contract says", async () => {
      const { sender, journal } = await setUp();
      const timelock = await ethers.deployContract("TimelockController", [60, [], [], ethers.ZeroAddress]);
      const data = timelock.interface.encodeFunctionData("updateDelay", [1]);
      const call = { description: "Update the delay", to: await timelock.getAddress(), data };
      await expect(sender.submit([call])).to.be.rejectedWith(RevertError, "TimelockUnauthorizedCaller");
      expect(journal.attempts).to.deep.equal([]);
    });

    it("sends nothing that runs out of gas when the node tries it, and says so", async () => {
      const { sender, call, journal } = await setUp();
      await setCode(call.to, GREEDY);
      await expect(sender.submit([call])).to.be.rejectedWith(
        OutOfGasError,
        /^"Pay" ran out of gas: the node tried it with all that it allows \(a block has 16,777,216\) and says ".*out of gas/,
      );
      expect(journal.attempts).to.deep.equal([]);
    });

    it("says that a mined transaction ran out of gas, how much it used and what to do next", async () => {
      const { connection, wallet, call, journal } = await setUp();
      await setCode(call.to, GREEDY);
      const sender = new KeySender(wallet, answering(connection, { estimateGas: 100_000n }), { journal });
      await withoutMining(async () => {
        // heard from the start, because it may refuse before the block is read
        const refused = sender.submit([call]).catch((error: unknown) => error);
        // the node may do what it is asked at the same time in any order
        while ((await connection.provider.getTransactionCount(wallet.address, "pending")) === 0) await sleep(5);
        await rpc("evm_mine");
        // on a busy machine another attempt, which pays more, may have taken the first one's place
        const [hash] = (await connection.provider.getBlock("latest"))?.transactions ?? [];
        const error = await refused;
        expect(error).to.be.instanceOf(OutOfGasError);
        expect((error as OutOfGasError).message).to.equal(
          `"Pay" ran out of gas: used 110,000 of the limit 110,000 in transaction ${hash}; run the same command again, ` +
            "which asks the node for a new estimate",
        );
      });
    });

    const limits: [string, bigint, bigint, bigint][] = [
      ["a tenth more than the estimate", 1_000_000n, 30_000_000n, 1_100_000n],
      ["no more than Osaka's cap, if the estimate keeps it", 16_000_000n, 60_000_000n, 16_777_216n],
      ["a tenth more above Osaka's cap, as Amsterdam and Arbitrum allow", 40_000_000n, 200_000_000n, 44_000_000n],
      ["no more than a block has", 29_000_000n, 30_000_000n, 30_000_000n],
      ["the estimate, if a block has less", 31_000_000n, 30_000_000n, 31_000_000n],
    ];
    for (const [what, estimateGas, blockGasLimit, gasLimit] of limits) {
      it(`sends with ${what}`, async () => {
        const { connection, wallet, call, journal } = await setUp();
        await setBalance(wallet.address, parseUnits("1000", "ether"));
        const stubbed = answering(connection, { estimateGas, getBlock: { gasLimit: blockGasLimit } });
        stubbed.provider.broadcastTransaction = () => Promise.reject(new Error("not sent"));
        const sender = new KeySender(wallet, stubbed, { journal, maxFeePerGas: undefined });
        await expect(sender.submit([call])).to.be.rejectedWith("not sent");
        expect(journal.attempts.map((attempt) => attempt.gasLimit)).to.deep.equal([gasLimit]);
      });
    }

    it("sends nothing for a call that is done", async () => {
      const { sender, call, journal } = await setUp();
      const submitted = await sender.submit([call], async () => true);
      expect(submitted).to.deep.equal({ kind: "sent", receipts: [undefined] });
      expect(journal.attempts).to.deep.equal([]);
    });

    it("sends each call once, in their order", async () => {
      const { sender, call, journal, connection } = await setUp();
      await sender.submit([call, { ...call, description: "Pay again", value: 2n }]);
      expect(journal.attempts.map((each) => [each.call, each.nonce])).to.deep.equal([
        ["Pay", 0],
        ["Pay again", 1],
      ]);
      expect(await connection.provider.getBalance(call.to)).to.equal(3);
    });

    it("writes down each transaction before it is sent", async () => {
      const { connection, wallet, call } = await setUp();
      const journal = new MemoryJournal();
      journal.record = () => Promise.reject(new Error("disk full"));
      await expect(new KeySender(wallet, connection, { journal }).submit([call])).to.be.rejectedWith("disk full");
      expect(await connection.provider.getTransactionCount(wallet.address, "pending")).to.equal(0);
    });

    it("replaces a transaction that is not mined by one that pays an eighth more, with the same nonce", async () => {
      const { sender, call, journal, connection } = await setUp();
      await withoutMining(async () => {
        const submitting = sender.submit([call]);
        const [first, second] = await attempts(journal, 2);
        expect(second.nonce).to.equal(first.nonce);
        expect(second.maxFeePerGas).to.be.at.least((first.maxFeePerGas * 9n) / 8n);
        expect(second.maxPriorityFeePerGas).to.be.at.least((first.maxPriorityFeePerGas * 9n) / 8n);
        await rpc("evm_mine");
        expect(receiptOf(await submitting)?.hash).to.equal(journal.attempts.at(-1)?.hash);
      });
      expect(await connection.provider.getBalance(call.to)).to.equal(1);
    });

    it("counts its patience in time: on a chain of short blocks it replaces nothing sooner", async () => {
      const { wallet, call, journal } = await setUp();
      const { chain, ...connection } = await connect("hardhat");
      const looks: number[] = [];
      const provider = Object.create(connection.provider) as Connection["provider"];
      provider.getTransactionReceipt = (hash) => {
        looks.push(looks.length);
        return connection.provider.getTransactionReceipt(hash);
      };
      const short = { ...connection, provider, chain: { ...chain, blockTime: 0.001, patience: 60 } };
      await withoutMining(async () => {
        const submitting = new KeySender(wallet, short, { journal }).submit([call]);
        while (looks.length < 5) await sleep(5);
        expect(journal.attempts).to.have.length(1);
        await rpc("evm_mine");
        await submitting;
      });
    });

    it("gives up a transaction that was mined and did nothing, as a call to an account without code", async () => {
      const { wallet, call, journal } = await setUp();
      const connection = await quickConnection(0.02);
      const sender = new KeySender(wallet, connection, { journal });
      await expect(sender.submit([call], async () => false)).to.be.rejectedWith(
        WithoutEffectError,
        /^"Pay" was mined as 0x[0-9a-f]{64} without effect: nothing was created/,
      );
      expect(journal.attempts).to.have.length(1);
    });

    it("pays no more than the limit for a replacement, and gives up in the end", async () => {
      const { wallet, call, journal } = await setUp();
      const connection = await quickConnection(0.05);
      const { gasPrice } = await connection.provider.getFeeData();
      const limit = ((gasPrice ?? 0n) * 11n) / 10n;
      const sender = new KeySender(wallet, connection, { journal, maxFeePerGas: limit });
      await withoutMining(async () => {
        await expect(sender.submit([call])).to.be.rejectedWith(StuckError, `Transaction 0 of ${wallet.address}`);
      });
      for (const { maxFeePerGas } of journal.attempts) expect(maxFeePerGas).to.be.at.most(limit);
    });

    it("waits no longer than its patience for a transaction that was undone, and sends that one first the next time", async () => {
      const { sender, call, journal, wallet, connection } = await setUp();
      const second = { ...call, description: "Pay again", value: 2n };
      const isPaid = async () => (await connection.provider.getBalance(call.to)) > 0n;
      const before = String(await rpc("evm_snapshot"));
      await sender.submit([call], isPaid);
      await withoutMining(async () => {
        const submitting = sender.submit([second]);
        const undone = expect(submitting).to.be.rejectedWith(
          UndoneError,
          `Transaction 0 of ${wallet.address} was mined`,
        );
        await attempts(journal, 2);
        await rpc("evm_revert", before);
        await rpc("evm_setAutomine", false);
        await undone;
      });
      await sender.submit([call], isPaid);
      expect(journal.attempts.map(({ call: name, nonce }) => [name, nonce])).to.deep.equal([
        ["Pay", 0],
        ["Pay again", 1],
        ["Pay", 0],
      ]);
      expect(await connection.provider.getBalance(call.to)).to.equal(1);
    });

    it("sends anew with the next nonce when another transaction has taken its own", async () => {
      const { sender, call, journal, wallet, connection } = await setUp();
      await withoutMining(async () => {
        const submitting = sender.submit([call]);
        const [{ nonce, maxFeePerGas }] = await attempts(journal, 1);
        const price = 4n * maxFeePerGas;
        await wallet.sendTransaction({ to: wallet.address, nonce, maxFeePerGas: price, maxPriorityFeePerGas: price });
        await rpc("evm_mine");
        await rpc("evm_setAutomine", true);
        expect(receiptOf(await submitting)?.hash).to.equal(journal.attempts.at(-1)?.hash);
      });
      expect(journal.attempts.at(-1)?.nonce).to.equal(1);
      expect(await connection.provider.getBalance(call.to)).to.equal(1);
    });

    it("waits for what another program has sent from the account before", async () => {
      const { sender, call, wallet, journal } = await setUp();
      await withoutMining(async () => {
        await wallet.sendTransaction({ to: wallet.address });
        const submitting = sender.submit([call]);
        await sleep(50);
        expect(journal.attempts).to.deep.equal([]);
        await rpc("evm_mine");
        await rpc("evm_setAutomine", true);
        expect(receiptOf(await submitting)?.status).to.equal(1);
      });
      expect(journal.attempts.map(({ nonce }) => nonce)).to.deep.equal([1]);
    });

    it("takes up the transaction of an interrupted run that waits, and sends no second one", async () => {
      const { wallet, call, journal } = await setUp();
      const connection = await quickConnection(5); // so patient that nothing is replaced
      const isDone = async () => (await connection.provider.getBalance(call.to)) > 0n;
      await withoutMining(async () => {
        const unreachable = Object.create(connection.provider) as typeof connection.provider;
        unreachable.broadcastTransaction = async (signed) => {
          await connection.provider.broadcastTransaction(signed);
          throw new Error("connection lost");
        };
        const interrupted = new KeySender(wallet, { ...connection, provider: unreachable }, { journal });
        await expect(interrupted.submit([call], isDone)).to.be.rejectedWith("connection lost");

        const resumed = new KeySender(wallet, connection, { journal }).submit([call], isDone);
        await rpc("evm_mine");
        expect(receiptOf(await resumed)?.hash).to.equal(journal.attempts.at(-1)?.hash);
      });
      expect(await connection.provider.getTransactionCount(wallet.address)).to.equal(1);
      expect(await connection.provider.getBalance(call.to)).to.equal(1);
    });

    it("sends in place of a transaction that an interrupted run wrote down and did not send", async () => {
      const { connection, wallet, call, journal } = await setUp();
      const isDone = async () => (await connection.provider.getBalance(call.to)) > 0n;
      const unreachable = Object.create(connection.provider) as typeof connection.provider;
      unreachable.broadcastTransaction = () => Promise.reject(new Error("connection lost"));
      const interrupted = new KeySender(wallet, { ...connection, provider: unreachable }, { journal });
      await expect(interrupted.submit([call], isDone)).to.be.rejectedWith("connection lost");

      await new KeySender(wallet, connection, { journal }).submit([call], isDone);
      expect(journal.attempts.map(({ nonce }) => nonce)).to.deep.equal([0, 0]);
      expect(await connection.provider.getBalance(call.to)).to.equal(1);
    });
  });
});
