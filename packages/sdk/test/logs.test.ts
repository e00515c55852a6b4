import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { HOUR, TU } from "@turingfog/sdk";
import {
  connectContracts,
  encodeAction,
  findOperation,
  IncompleteLogsError,
  type LogProgress,
  type LogRange,
  newOperation,
  NoContractError,
  NodeBehindError,
  operations,
  readEvents,
  timelockWitness,
  roleHolders,
  scheduleCall,
  TuringFog,
  UnknownAssetError,
  UnknownOperationError,
} from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { id, JsonRpcProvider, type Provider } from "ethers";
import { ethers } from "hardhat";

import { deployProtocolFixture } from "../../../test/helpers/fixture";
import {
  earn,
  openOrder,
  passVetoWindow,
  registerNode,
  startEpoch,
  submitReceipts,
} from "../../../test/helpers/market";
import {
  boundedTo,
  chainBehind,
  HABITS,
  type Habit,
  MisbehavingNode,
  prunedBefore,
  silentBefore,
} from "../../../test/helpers/misbehavingNode";

/** A system in use: with an operation scheduled, a bucket to claim and receipts to settle. */
async function used() {
  const protocol = await deployProtocolFixture();
  const { addresses, contracts, actors } = protocol;
  const { tft, usd, controller, timelock } = contracts;
  const [{ blockNumber: timelockCreated }] = await timelock.queryFilter(timelock.filters.MinDelayChange());

  const [miner] = actors.miners;
  const round = await earn(protocol, [{ asset: tft, amount: 7_000n, miner }]);
  await startEpoch(protocol);
  await controller.burn(round);

  const nodeId = await registerNode(protocol, miner);
  const orderId = await openOrder(protocol, actors.renters[0], usd, { maxUnitPrice: 16_000_000n });
  await time.increase(HOUR);
  const measuredAt = BigInt(await time.latest());
  const tree = await submitReceipts(protocol, [{ orderId, nodeId, cumulativeTU: TU, measuredAt }]);
  await passVetoWindow(protocol);

  const governance = connectContracts(addresses, ethers.provider);
  const call = await encodeAction(governance, { kind: "replace-guardian", guardian: actors.stranger.address });
  const operation = await newOperation(governance.timelock, call);
  const { to, data } = await scheduleCall(governance.timelock, operation);
  await actors.admin.sendTransaction({ to, data });
  return { ...protocol, miner, operation, tree, timelockCreated };
}

type Used = Awaited<ReturnType<typeof used>>;

/** Every reading of logs that the SDK has, on a node. */
const READINGS: Record<string, (system: Used, provider: Provider, since: number) => Promise<unknown>> = {
  operations: ({ addresses }, provider, since) =>
    operations(connectContracts(addresses, provider).timelock, provider, since),
  findOperation: ({ addresses, operation }, provider, since) =>
    findOperation(connectContracts(addresses, provider).timelock, provider, since, operation.id),
  roleHolders: ({ addresses }, provider, since) => roleHolders(provider, addresses.timelock, since),
  claimableBuckets: ({ addresses, miner }, provider, since) =>
    new TuringFog(addresses, provider, { since }).claimableBuckets(miner.address),
  "claimableBuckets of the last blocks": async ({ addresses, miner }, provider, since) =>
    new TuringFog(addresses, provider, { since }).claimableBuckets(miner.address, (await time.latestBlock()) - 2),
  "settle of a tree": async ({ addresses, contracts, actors, tree }, provider, since) => {
    const fog = new TuringFog(addresses, reading(actors.stranger, provider), { since });
    const snapshot: unknown = await ethers.provider.send("evm_snapshot", []);
    const settlements = await fog.settle(await contracts.usd.getAddress(), tree);
    await ethers.provider.send("evm_revert", [snapshot]);
    return settlements.map(({ logs }) => logs.length);
  },
};

/** Leaves out the logs that have a topic at an index. */
function forgetting(topic: string, index: number): Habit {
  return async (request, backend) => {
    const answer = await backend(request);
    if (request.method !== "eth_getLogs") return answer;
    const logs = answer.result as { topics: string[] }[];
    return { result: logs.filter(({ topics }) => topics[index] !== topic) };
  };
}

/** A signer that sends by the chain in this process and reads by a node. */
function reading(signer: Used["actors"]["stranger"], provider: Provider): Used["actors"]["stranger"] {
  return Object.create(signer, { provider: { value: provider } }) as Used["actors"]["stranger"];
}

async function behind<T>(habit: Habit, use: (provider: Provider, node: MisbehavingNode) => Promise<T>): Promise<T> {
  const node = await MisbehavingNode.start(chainBehind(ethers.provider));
  node.habit = habit;
  const provider = new JsonRpcProvider(node.url, 31_337, { staticNetwork: true, cacheTimeout: -1, batchMaxCount: 1 });
  try {
    return await use(provider, node);
  } finally {
    provider.destroy();
    await node.stop();
  }
}

async function refusalOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => new Error("nothing was refused"),
    (error: Error) => error,
  );
}

describe("readings of logs", () => {
  it("begin for a client of an address book at its first block, and go back to the creation without one", async () => {
    const { addresses, miner, timelockCreated } = await loadFixture(used);
    const chainId = 31_337;
    for (const [firstBlock, expected] of [
      [timelockCreated, timelockCreated],
      [null, 0],
    ]) {
      const provider = Object.create(ethers.provider) as typeof ethers.provider;
      const asked: unknown[] = [];
      provider.getLogs = (filter) => {
        asked.push("fromBlock" in filter && filter.fromBlock);
        return ethers.provider.getLogs(filter);
      };
      const fog = await TuringFog.at({ chainId, addresses, firstBlock }, provider);
      expect(await fog.claimableBuckets(miner.address)).to.have.lengthOf(1);
      expect(new Set(asked)).to.deep.equal(new Set([expected]));
    }
  });

  for (const [name, read] of Object.entries(READINGS)) {
    describe(name, () => {
      for (const [start, sinceOf] of [
        ["a known block", ({ timelockCreated }: Used) => timelockCreated],
        ["an unknown block", () => 0],
      ] as const) {
        it(`reads from ${start} on a node that bounds ranges what it reads on one that does not`, async () => {
          const system = await loadFixture(used);
          const whole = await read(system, ethers.provider, sinceOf(system));
          if (!name.includes("last blocks")) expect(whole).to.not.deep.equal([]);
          for (const limit of [1, 3, 16]) {
            const part = await behind(boundedTo(limit), (provider) => read(system, provider, sinceOf(system)));
            expect(part).to.deep.equal(whole);
          }
        });

        it(`refuses from ${start} the answer of a node without logs, and of one that left out the first`, async () => {
          const system = await loadFixture(used);
          for (const habit of [HABITS.emptyLogs, silentBefore(system.timelockCreated + 1)]) {
            const refusal = await behind(habit, (provider) => refusalOf(read(system, provider, sinceOf(system))));
            expect(refusal).to.be.instanceOf(IncompleteLogsError);
            const { timelock } = system.addresses;
            expect(refusal.message).to.match(
              new RegExp(`has pruned or not indexed logs of .*, where RoleGranted of ${timelock} must be and is not`),
            );
          }
        });
      }

      it("refuses an emptied chain, on which there is no contract", async () => {
        const system = await loadFixture(used);
        const refusal = await behind(HABITS.emptied, (provider) => refusalOf(read(system, provider, 0)));
        expect(refusal).to.be.instanceOf(NoContractError);
      });

      it("gives the node's own error if it refuses the blocks of the deployment, or any block", async () => {
        const system = await loadFixture(used);
        const pruned = await behind(prunedBefore(system.timelockCreated + 1), (provider) =>
          refusalOf(read(system, provider, system.timelockCreated)),
        );
        expect(pruned.message).to.contain("history has been pruned for this block");

        await behind(HABITS.noLogs, async (provider, node) => {
          const refusal = await refusalOf(read(system, provider, 0));
          expect(refusal.message).to.contain("the method eth_getLogs is not available");
          expect(node.logRanges).to.have.length(2);
        });
      });
    });
  }

  describe("settle of a tree", () => {
    it("refuses a node that has lost the listing of an asset which the escrow has listed", async () => {
      const { addresses, actors, contracts, tree, timelockCreated: since } = await loadFixture(used);
      const { topicHash } = contracts.escrow.interface.getEvent("AssetListed");
      await behind(forgetting(topicHash, 0), async (provider) => {
        const fog = new TuringFog(addresses, reading(actors.stranger, provider), { since });
        const usd = await contracts.usd.getAddress();
        const lost = await refusalOf(fog.settle(usd, tree));
        expect(lost)
          .to.be.instanceOf(IncompleteLogsError)
          .and.to.include({ event: `AssetListed(${usd})` });
        const unknown = await refusalOf(fog.settle(addresses.pool, tree));
        expect(unknown).to.be.instanceOf(UnknownAssetError);
      });
    });
  });

  describe("findOperation", () => {
    it("refuses a node that has lost the operation which the timelock knows", async () => {
      const system = await loadFixture(used);
      const { addresses, operation, timelockCreated } = system;
      await behind(forgetting(operation.id, 1), async (provider) => {
        const { timelock } = connectContracts(addresses, provider);
        const lost = await refusalOf(findOperation(timelock, provider, timelockCreated, operation.id));
        expect(lost)
          .to.be.instanceOf(IncompleteLogsError)
          .and.to.include({ event: `CallScheduled(${operation.id})` });
        const unknown = await refusalOf(findOperation(timelock, provider, timelockCreated, id("nothing")));
        expect(unknown).to.be.instanceOf(UnknownOperationError);
      });
    });
  });
});

describe("readEvents", () => {
  /** What has been transferred, by a node that bounds ranges. */
  async function transfers(habit: Habit, range: Partial<LogRange>) {
    const system = await loadFixture(used);
    const { tft, timelock } = connectContracts(system.addresses, ethers.provider);
    const selection = { contract: tft, event: tft.filters.Transfer };
    return behind(habit, async (provider, node) => {
      const [events] = await readEvents({ provider, ...range }, await timelockWitness(timelock), selection);
      return { ...system, tft, events, node };
    });
  }

  it("has every event once and in order, however little the node gives at once", async () => {
    const { tft, events: all } = await transfers(HABITS.honest, {});
    const expected = (await tft.queryFilter(tft.filters.Transfer())).map(({ transactionHash, index, args }) => {
      return { transactionHash, index, value: args.value };
    });
    expect(expected.length).to.be.above(10);
    for (const habit of [HABITS.honest, boundedTo(1), boundedTo(7)]) {
      const { events } = await transfers(habit, {});
      const found = events.map(({ transactionHash, index, args }) => ({ transactionHash, index, value: args.value }));
      expect(found).to.deep.equal(expected);
    }
    expect(all).to.have.length(expected.length);
  });

  it("asks once for what the node gives at once, from the block that is known", async () => {
    const { node, timelockCreated } = await transfers(HABITS.honest, { since: 1 });
    expect(node.logRanges).to.deep.equal([{ from: 1, to: await time.latestBlock(), isRefused: false }]);
    expect(timelockCreated).to.be.above(1);
  });

  it("goes back to the contracts' creation and no further if its block is not known", async () => {
    const { node, timelockCreated } = await transfers(boundedTo(1), {});
    const read = node.logRanges.filter(({ isRefused }) => !isRefused).map(({ from }) => from);
    expect(Math.min(...read)).to.equal(timelockCreated);
  });

  it("selects by indexed arguments, and has an event of two selections in both", async () => {
    const { addresses, miner } = await loadFixture(used);
    const { tft, timelock } = connectContracts(addresses, ethers.provider);
    const transfer = { contract: tft, event: tft.filters.Transfer };
    const [all, minted, toMiner] = await readEvents(
      { provider: ethers.provider },
      await timelockWitness(timelock),
      transfer,
      { ...transfer, args: [ethers.ZeroAddress] },
      { ...transfer, args: [null, miner.address] },
    );
    expect(minted.map(({ args }) => args.to)).to.deep.equal(
      all.filter(({ args }) => args.from === ethers.ZeroAddress).map(({ args }) => args.to),
    );
    expect(minted).to.have.length(4);
    expect(toMiner.every(({ args }) => args.to === miner.address)).to.equal(true);
  });

  it("says after each answer how far it is", async () => {
    const heard: LogProgress[] = [];
    const { node } = await transfers(boundedTo(8), { since: 1, onProgress: (progress) => heard.push(progress) });
    const answered = node.logRanges.filter(({ isRefused }) => !isRefused);
    const head = await time.latestBlock();
    // the probe of the last block is no progress
    expect(heard).to.deep.equal(answered.slice(1).map(({ from }) => ({ from, done: head - from + 1, total: head })));
    expect(heard.at(-1)).to.deep.equal({ from: 1, done: head, total: head });
  });

  it("reads no blocks if the node is behind the deployment, and takes that for no answer", async () => {
    const since = 10_000;
    const refusal = await refusalOf(transfers(HABITS.honest, { since }));
    expect(refusal).to.be.instanceOf(NodeBehindError).and.to.include({ first: since });
    expect(refusal.message).to.contain(`, before block ${since}, in which the deployment began`);
  });
});
