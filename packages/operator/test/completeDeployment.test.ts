import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { loadFixture, mine, setCode } from "@nomicfoundation/hardhat-network-helpers";
import {
  addressBook,
  awaitFinality,
  checkFigures,
  completeDeployment,
  connect,
  type Connection,
  CREATE2_DEPLOYER,
  type DeploymentParameters,
  differences,
  ensureCreate2Deployer,
  KeylessCreationError,
  keylessProblem,
  KeySender,
  loadWallet,
  missingSteps,
  Node,
  NotFinalError,
  NothingToSignError,
  planDeployment,
  preflight,
  readParameters,
  ReorganisedError,
  SafeSender,
  UnreachableError,
  WrongCreate2DeployerError,
} from "@turingfog/operator";
import { chainNamed, HOUR } from "@turingfog/sdk";
import { Genesis__factory, GENESIS_KEYS, RevertError } from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { type Block, concat, dataSlice, toBeHex } from "ethers";
import { ethers, network } from "hardhat";

import { deploySystem, projectBuild } from "../../../deploy/inProcess";

const LOCAL = path.join(__dirname, "../../../deploy/parameters/local.json5");

const LOST = new UnreachableError(new Node("localhost", new URL("http://127.0.0.1"), 1), "eth_call", "lost");

/** Nothing deployed, and all that it takes. */
async function fresh() {
  const connection = await connect("hardhat");
  const parameters = readParameters(LOCAL);
  const build = await projectBuild();
  const plan = planDeployment(parameters, build);
  const wallet = await loadWallet({ isLocal: true, env: {} }, connection.provider);
  return { connection, parameters, build, plan, wallet, sender: new KeySender(wallet, connection) };
}

/** Nothing deployed but the deterministic deployer, so that every step can be tried. */
async function deployable() {
  const world = await fresh();
  await ensureCreate2Deployer(world.connection, world.sender);
  return world;
}

/** The last final block is two behind the latest. */
function finalizing(connection: Connection, takes = 2): Connection {
  const provider = Object.create(connection.provider) as Connection["provider"];
  const last = async () => Math.max((await connection.provider.getBlockNumber()) - 2, 0);
  provider.getBlock = async (tag) => connection.provider.getBlock(tag === "finalized" ? await last() : tag);
  provider.getCode = async (address, tag) =>
    connection.provider.getCode(address, tag === "finalized" ? await last() : tag);
  return { ...connection, provider, chain: { ...connection.chain, finality: { tag: "finalized", takes } } };
}

const codes = (addresses: Record<string, string>) =>
  Promise.all(Object.values(addresses).map((address) => ethers.provider.getCode(address)));

describe("completeDeployment", () => {
  it("refuses a network on which something else stands for the deterministic deployer", async () => {
    const { connection, plan, sender } = await loadFixture(fresh);
    await setCode(CREATE2_DEPLOYER, "0x60006000fd");
    await expect(completeDeployment(plan, connection, sender)).to.be.rejectedWith(
      WrongCreate2DeployerError,
      CREATE2_DEPLOYER,
    );
  });

  it("ends at the same addresses and code as the Ignition module", async () => {
    const { connection, parameters, plan, sender } = await loadFixture(fresh);
    await completeDeployment(plan, connection, sender);
    const own = await codes(plan.addresses);

    await loadFixture(fresh);
    const { contracts, vestings } = await deploySystem(parameters);
    for (const name of Object.keys(contracts) as (keyof typeof contracts)[]) {
      expect(await contracts[name].getAddress()).to.equal(plan.addresses[name]);
    }
    expect(await vestings.team.getAddress()).to.equal(plan.addresses.teamVesting);
    expect(await codes(plan.addresses)).to.deep.equal(own);
  });

  it("sends nothing for a deployment that stands", async () => {
    const { connection, plan, sender, wallet } = await loadFixture(fresh);
    await completeDeployment(plan, connection, sender);
    const nonce = await ethers.provider.getTransactionCount(wallet.address);
    expect(await completeDeployment(plan, connection, new KeySender(wallet, connection))).to.deep.equal({});
    expect(await ethers.provider.getTransactionCount(wallet.address)).to.equal(nonce);
  });

  it("goes on where someone else has done a part of it, the last one included", async () => {
    const { connection, plan, sender, wallet } = await loadFixture(fresh);
    const [, stranger] = await ethers.getSigners();
    await completeDeployment({ ...plan, steps: plan.steps.slice(0, 2) }, connection, sender);
    for (const { call } of plan.steps.slice(2)) await stranger.sendTransaction({ to: call.to, data: call.data });
    const nonce = await ethers.provider.getTransactionCount(wallet.address);
    await completeDeployment(plan, connection, sender);
    expect(await ethers.provider.getTransactionCount(wallet.address)).to.equal(nonce);
    expect(await missingSteps(plan, ethers.provider)).to.deep.equal([]);
  });

  it("sends again what a reorganisation has taken away before it was final", async () => {
    const { connection, plan, sender } = await loadFixture(fresh);
    await completeDeployment({ ...plan, steps: plan.steps.slice(0, -2) }, connection, sender);
    const snapshot: unknown = await network.provider.send("evm_snapshot");

    const said: string[] = [];
    const completing = completeDeployment(plan, finalizing(connection), sender, (line) => said.push(line));
    while ((await missingSteps(plan, ethers.provider)).length !== 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
    await network.provider.send("evm_revert", [snapshot]);
    const mining = setInterval(() => void mine(), 20);
    await completing.finally(() => clearInterval(mining));

    expect(said.join()).to.contain("reorganised");
    expect(await missingSteps(plan, ethers.provider)).to.deep.equal([]);
  });

  it("waits until the last block is final, and no longer for what has been final before", async () => {
    const { connection, plan, sender } = await loadFixture(fresh);
    const lagging = finalizing(connection);
    const said: string[] = [];
    const ended: boolean[] = [];
    const completing = completeDeployment(plan, lagging, sender, (line) => said.push(line));
    completing.then(
      () => ended.push(true),
      () => ended.push(false),
    );
    while (said.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(said.join()).to.match(/^Everything stands; waiting until block \d+ is finalized$/);
    expect(ended).to.deep.equal([]);
    await mine(2);
    await completing;

    await completeDeployment(plan, lagging, sender, (line) => said.push(line));
    expect(said).to.have.length(1);
  });

  it("is awaited also for what a Safe has sent, and says what a reorganisation took away meanwhile", async () => {
    const { connection, plan, sender } = await loadFixture(fresh);
    await completeDeployment({ ...plan, steps: plan.steps.slice(0, -1) }, connection, sender);
    const snapshot: unknown = await network.provider.send("evm_snapshot");
    await completeDeployment(plan, connection, sender);

    const said: string[] = [];
    const refused = awaitFinality(plan, finalizing(connection), (line) => said.push(line)).catch(
      (error: unknown) => error,
    );
    while (said.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await network.provider.send("evm_revert", [snapshot]);
    await mine(5);
    const error = await refused;
    expect(error).to.be.instanceOf(ReorganisedError);
    expect((error as Error).message).to.equal("escrow was reorganised away: run the same command again");
  });

  it("ends with a reason if the last block does not become final in time", async () => {
    const { connection, plan, sender } = await loadFixture(fresh);
    await expect(completeDeployment(plan, finalizing(connection, 0.02), sender)).to.be.rejectedWith(
      NotFinalError,
      /^Everything stands, but block \d+ is not finalized after 1 second, only \d+ is: run the same command again/,
    );
  });

  describe("planDeployment", () => {
    it("plans the same addresses whoever sends, and others for any other parameter", async () => {
      const { build, parameters, plan } = await loadFixture(fresh);
      const changed: DeploymentParameters = { ...parameters, vetoWindow: parameters.vetoWindow + 1n };
      expect(planDeployment(parameters, build).addresses).to.deep.equal(plan.addresses);
      const other = planDeployment(changed, build).addresses;
      for (const [name, address] of Object.entries(plan.addresses)) expect(other[name]).to.not.equal(address);
    });

    it("gives two allocations on the same terms a wallet each", async () => {
      const { build, parameters } = await loadFixture(fresh);
      const [, team] = parameters.allocations;
      const { addresses } = planDeployment({ ...parameters, allocations: [team, { ...team, name: "twin" }] }, build);
      expect(addresses.teamVesting).to.not.equal(addresses.twinVesting);
    });
  });

  describe("preflight", () => {
    it("tries every transaction and finds what it takes, to a twentieth", async () => {
      const { build, connection, parameters, plan, sender, wallet } = await loadFixture(fresh);
      const nonce = await ethers.provider.getTransactionCount(wallet.address);
      const found = await preflight(plan, parameters, build, connection, wallet.address);
      expect(found.problems).to.deep.equal([]);
      expect(await ethers.provider.getTransactionCount(wallet.address)).to.equal(nonce);

      const receipts = await completeDeployment(plan, connection, sender);
      expect(found.steps.map(({ step }) => step)).to.deep.equal(plan.steps);
      for (const { step, gas } of found.steps) {
        expect(gas).to.be.closeTo(receipts[step.name].gasUsed, receipts[step.name].gasUsed / 20n);
      }
    });

    it("finds that the system would be refused, before anything is sent", async () => {
      const { build, connection, parameters, plan, wallet } = await loadFixture(fresh);
      const spoilt = { ...parameters, quorum: 2n };
      await expect(
        preflight(planDeployment(spoilt, build), spoilt, build, connection, wallet.address),
      ).to.be.rejectedWith(RevertError, "Genesis_CreationFailed(2, Oracle_InvalidQuorum(2, 4))");
      expect(await missingSteps(plan, ethers.provider)).to.have.length(plan.steps.length);
    });

    it("finds an asset that is no token, and a sender that cannot pay", async () => {
      const { build, connection, parameters, plan } = await loadFixture(fresh);
      const [, , , , , , , , , someone] = await ethers.getSigners();
      const assets = [{ address: someone.address, referencePrice: 1n }];
      const listing = { ...parameters, assets };
      const { problems } = await preflight(planDeployment(listing, build), listing, build, connection);
      expect(problems).to.deep.equal([
        `assets[0].address: ${someone.address}: must be a token, and there is no contract on Hardhat's network, in process`,
      ]);

      await setCode(someone.address, concat(["0xef0100", plan.addresses.timelock]));
      const delegated = await preflight(planDeployment(listing, build), listing, build, connection);
      expect(delegated.problems).to.deep.equal([
        `assets[0].address: ${someone.address}: must be a token, and is an account delegated to ${plan.addresses.timelock}`,
      ]);

      const poor = ethers.Wallet.createRandom().address;
      const found = await preflight(planDeployment(parameters, build), parameters, build, connection, poor);
      expect(found.problems).to.have.length(1);
      expect(found.problems[0]).to.contain(`The sender ${poor} has 0.0 ETH, and it will cost about `);
      expect(found.problems[0]).to.match(/ cost about \d+\.\d+ ETH$/);
      expect(found.currency).to.equal("ETH");

      const elsewhere = { ...connection, chain: { ...connection.chain, currency: "POL" } };
      const other = await preflight(planDeployment(parameters, build), parameters, build, elsewhere, poor);
      expect(other.problems[0]).to.match(/ has 0\.0 POL, and it will cost about \d+\.\d+ POL$/);
    });
  });

  describe("preflight on a chain that is not as expected", () => {
    /** Code that answers every call with an address: PUSH20, PUSH1 0, MSTORE, PUSH1 32, PUSH1 0, RETURN. */
    const answeringCode = (address: string) => concat(["0x73", address, "0x60005260206000f3"]);
    const PREDEPLOY = "0x420000000000000000000000000000000000000F";
    const ROUTER = "0x94cC0AaC535CCDB3C01d6787D6413C739ae12bc4";

    function on(connection: Connection, facts: Partial<Connection["chain"]>): Connection {
      return { ...connection, chain: { ...connection.chain, ...facts } };
    }

    it("has every missing step and no gas if a problem stands before all of them", async () => {
      const { build, connection, parameters, plan } = await loadFixture(fresh);
      const assets = [{ address: PREDEPLOY, referencePrice: 1n }];
      const listing = { ...parameters, assets };
      const found = await preflight(planDeployment(listing, build), listing, build, connection);
      expect(found.problems).to.have.length(1);
      expect(found.steps.map(({ step }) => step.name)).to.deep.equal(plan.steps.map(({ name }) => name));
      expect(found.steps.map(({ gas }) => gas).filter((gas) => gas !== undefined)).to.deep.equal([]);
    });

    it("finds a chain of the OP Stack that has no oracle of the L1 fee", async () => {
      const { build, connection, parameters, plan } = await loadFixture(fresh);
      const { problems } = await preflight(plan, parameters, build, on(connection, { l1FeeOracle: PREDEPLOY }));
      expect(problems).to.have.length(1);
      expect(problems[0]).to.match(
        new RegExp(
          `does not tell what data on L1 costs: getL1FeeUpperBound is not answered at ${PREDEPLOY}, .*_RPC_URL$`,
        ),
      );
    });

    it("adds the fee for data on L1 of each step", async () => {
      const { build, connection, parameters, plan } = await loadFixture(fresh);
      await setCode(PREDEPLOY, answeringCode(toBeHex(7n, 20)));
      const { steps } = await preflight(plan, parameters, build, on(connection, { l1FeeOracle: PREDEPLOY }));
      for (const { l1Fee } of steps) expect(l1Fee).to.equal(7n);
    });

    it("asks Uniswap's router for its factory, and warns if it does not answer", async () => {
      const { build, connection, parameters, plan } = await loadFixture(fresh);
      const routed = on(connection, { uniswapRouter: ROUTER });
      const without = await preflight(plan, parameters, build, routed);
      expect(without.uniswapFactory).to.equal(undefined);
      expect(without.warnings.join()).to.contain(`Uniswap's router ${ROUTER} does not tell its factory`);

      await setCode(ROUTER, answeringCode(PREDEPLOY));
      const found = await preflight(plan, parameters, build, routed);
      expect(found.uniswapFactory).to.equal(PREDEPLOY);
      expect(found.warnings).to.deep.equal([]);
    });

    it("refuses a Safe on a chain without the deterministic deployer, which only another account can have created", async () => {
      const { build, connection, parameters, plan } = await loadFixture(fresh);
      await setCode(CREATE2_DEPLOYER, "0x");
      const [, someone] = await ethers.getSigners();
      const refused = "has no deterministic deployment proxy at 0x4e59b44847b379578588920cA78FbF26c0B4956C: create it";
      const bySafe = await preflight(plan, parameters, build, connection, undefined, true);
      expect(bySafe.problems.join()).to.contain(refused);
      await setCode(someone.address, "0x6001");
      const byContract = await preflight(plan, parameters, build, connection, someone.address);
      expect(byContract.problems.join()).to.contain(refused);
    });

    it("takes no failure of the node for a token without decimals", async () => {
      const { build, connection, parameters } = await loadFixture(fresh);
      await setCode(ROUTER, answeringCode(PREDEPLOY));
      const provider = Object.create(connection.provider) as Connection["provider"];
      provider.call = () => Promise.reject(new Error("connection lost"));
      const listing = { ...parameters, assets: [{ address: ROUTER, referencePrice: 1n }] };
      await expect(
        preflight(planDeployment(listing, build), listing, build, { ...connection, provider }),
      ).to.be.rejectedWith("connection lost");
    });
  });

  describe("checkFigures", () => {
    const SINCE = "2026-11-05";

    /** A chain of blocks that take so long each, of which the last final one is so old. */
    function chainOf(seconds: number, age: number | undefined): Connection {
      const latest = 10_000;
      const start = 1_790_000_000;
      const block = (number: number) => ({ number, timestamp: start + Math.floor(number * seconds) });
      const getBlock = async (tag: number | string) => {
        if (typeof tag === "number") return block(tag);
        return age === undefined ? null : { number: 1, timestamp: block(latest).timestamp - age };
      };
      return {
        name: "base",
        chain: { ...chainNamed("base"), blockTime: 0.2, finality: { tag: "finalized", takes: 1_800 }, since: SINCE },
        chainId: 8_453n,
        provider: { getBlock } as unknown as Connection["provider"],
      };
    }

    const findings = (seconds: number, age?: number) => {
      const timestamp = 1_790_000_000 + Math.floor(10_000 * seconds);
      return checkFigures(chainOf(seconds, age), { number: 10_000, timestamp } as Block);
    };

    it("finds nothing where blocks and finality are as expected", async () => {
      expect(await findings(0.2, 1_500)).to.deep.equal({ problems: [], warnings: [] });
    });

    it("warns of blocks that take another time, and says since when the figure held", async () => {
      const { warnings } = await findings(2, 1_500);
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.match(
        /^Base made its last 500 blocks in 2\.00 s each, expected about 0\.2 s, as it was on 2026-11-05: /,
      );
      expect((await findings(0.05, 1_500)).warnings).to.have.length(1);
    });

    it("warns of a last final block that is too old", async () => {
      const { warnings } = await findings(0.2, 7_200);
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.match(
        /^The last finalized block of Base is 2 hours old, expected at most 30 minutes, as it was on /,
      );
    });

    it("finds a problem where the node knows of no final block", async () => {
      const { problems } = await findings(0.2);
      expect(problems.join()).to.match(
        /^The node of base does not know which block is finalized, .*: use another node$/,
      );
    });
  });

  describe("preflight on a node with other limits", () => {
    /** A connection whose node answers one method otherwise. */
    function answering(connection: Connection, answer: (method: string, params: unknown[]) => unknown): Connection {
      const provider = Object.create(connection.provider) as Connection["provider"];
      provider.send = async (method, params) =>
        (await answer(method, params)) ?? connection.provider.send(method, params);
      return { ...connection, provider };
    }

    it("says that a step ran out of gas, in the node's words", async () => {
      const { build, connection, parameters, plan } = await loadFixture(deployable);
      const capped = answering(connection, (method) => {
        if (method === "eth_estimateGas") throw new Error("gas required exceeds allowance (50000000)");
      });
      const { problems } = await preflight(plan, parameters, build, capped);
      expect(problems).to.have.length(plan.steps.length);
      expect(problems[0]).to.match(
        /^"Create timelock" ran out of gas: .* says "gas required exceeds allowance \(50000000\)"; set the RPC URL to a node/,
      );
    });

    it("takes a contract that Genesis cannot create, without a reason, as one that ran out of gas", async () => {
      const { build, connection, parameters, plan } = await loadFixture(deployable);
      const data = Genesis__factory.createInterface().encodeErrorResult("Genesis_CreationFailed", [7, "0x"]);
      const capped = answering(connection, (method, [request]) => {
        if (method === "eth_estimateGas" && (request as { to: string }).to === plan.addresses.genesis) {
          throw Object.assign(new Error("execution reverted"), { data });
        }
      });
      const { problems } = await preflight(plan, parameters, build, capped);
      expect(problems).to.have.length(GENESIS_KEYS.length);
      for (const problem of problems) expect(problem).to.contain("ran out of gas");
    });

    it("finds a step that no block can hold", async () => {
      const { build, connection, parameters, plan } = await loadFixture(deployable);
      const dear = answering(connection, (method) => (method === "eth_estimateGas" ? "0x1312d00" : undefined));
      const { problems } = await preflight(plan, parameters, build, dear);
      expect(problems[0]).to.equal(
        '"Create timelock" takes 20,000,000 gas, and a block has 16,777,216: it can never be mined',
      );
    });

    for (const [what, refused, calls] of [
      ["estimates", [], 0],
      ["calls", ["eth_estimateGas"], 0],
      ["calls for the least gas", ["eth_estimateGas"], 3],
    ] as const) {
      it(`does not take a node that is lost while it ${what} for one that cannot`, async () => {
        const { build, connection, parameters, plan } = await loadFixture(deployable);
        const tries: string[] = [];
        const losing = answering(connection, (method, [request]) => {
          if ((refused as readonly string[]).includes(method)) throw new Error("too many arguments");
          if (!/estimateGas|eth_call/.test(method) || (request as { data?: string }).data === undefined) return;
          if (tries.push(method) > calls) throw LOST;
        });
        await expect(preflight(plan, parameters, build, losing)).to.be.rejectedWith(UnreachableError);
      });
    }

    it("finds the gas by calls if the node estimates nothing on assumed code, and nothing if it calls neither", async () => {
      const { build, connection, parameters, plan } = await loadFixture(deployable);
      const [found, byCalls, unknown] = await Promise.all(
        [[], ["eth_estimateGas"], ["eth_estimateGas", "eth_call"]].map((refused) =>
          preflight(
            plan,
            parameters,
            build,
            answering(connection, (method, params) => {
              if (refused.includes(method) && params.length > 2) throw new Error("too many arguments");
            }),
          ),
        ),
      );
      for (const [i, { gas }] of found.steps.entries()) {
        expect(byCalls.steps[i].gas).to.be.closeTo(gas ?? 0n, (gas ?? 0n) / 20n);
      }
      expect(unknown.problems).to.deep.equal([]);
      expect(unknown.steps.at(-1)?.gas).to.equal(undefined);
    });
  });

  describe("keylessProblem", () => {
    const GWEI = 10n ** 9n;
    const on = (count: number, baseFeePerGas: bigint, estimateGas: () => Promise<bigint>) =>
      ({ getTransactionCount: async () => count, getBlock: async () => ({ baseFeePerGas }), estimateGas }) as never;

    it("finds none where the keyless transaction can be paid for", async () => {
      expect(await keylessProblem(on(0, 100n * GWEI, async () => 100_000n))).to.equal(undefined);
    });

    it("finds nothing where the node is lost", async () => {
      await expect(keylessProblem(on(0, 0n, () => Promise.reject(LOST)))).to.be.rejectedWith(UnreachableError);
    });

    it("finds a transaction that was used, a base fee above its price, and too little gas", async () => {
      expect(await keylessProblem(on(1, 0n, async () => 0n))).to.contain("was used here and failed");
      expect(await keylessProblem(on(0, 101n * GWEI, async () => 0n))).to.contain("The chain asks 101.0 gwei for gas");
      expect(await keylessProblem(on(0, 0n, async () => 340_000n))).to.contain("takes 340,000 gas, and its keyless");
      expect(await keylessProblem(on(0, 0n, () => Promise.reject(new Error("out of gas"))))).to.contain('"out of gas"');
    });

    it("is told before anything is sent to the keyless account", async () => {
      const { connection, sender, wallet } = await loadFixture(fresh);
      await setCode(CREATE2_DEPLOYER, "0x");
      const provider = Object.create(connection.provider) as Connection["provider"];
      Object.assign(provider, { estimateGas: async () => 340_000n, getTransactionCount: async () => 0 });
      const nonce = await ethers.provider.getTransactionCount(wallet.address);
      await expect(ensureCreate2Deployer({ ...connection, provider }, sender)).to.be.rejectedWith(
        KeylessCreationError,
        "takes 340,000 gas, and its keyless transaction has 100,000",
      );
      expect(await ethers.provider.getTransactionCount(wallet.address)).to.equal(nonce);
    });
  });

  describe("addressBook", () => {
    it("has every contract with its arguments, hashes, transaction and block", async () => {
      const { build, connection, parameters, plan, sender, wallet } = await loadFixture(fresh);
      const receipts = await completeDeployment(plan, connection, sender);
      const book = await addressBook({ connection, parameters, plan, build, receipts });
      expect(book).to.deep.include({
        network: "hardhat",
        chainId: 31337,
        deployment: plan.id,
        addresses: plan.addresses,
      });
      expect(book).to.deep.include({ deployer: wallet.address, block: receipts.escrow.blockNumber });
      expect(Object.keys(book.contracts)).to.have.members(Object.keys(plan.addresses));
      expect(Object.keys(book.transactions)).to.deep.equal(plan.steps.map(({ name }) => name));
      expect(book.compiler).to.match(/^0\.8\.37\+commit\./);

      const { initCodeHash } = book.contracts.timelock;
      const [{ call }] = plan.steps;
      expect(initCodeHash).to.equal(ethers.keccak256(dataSlice(call.data, 32)));
      for (const [name, { runtimeCodeHash, transaction, gas }] of Object.entries(book.contracts)) {
        expect(runtimeCodeHash).to.equal(ethers.keccak256(await ethers.provider.getCode(plan.addresses[name])));
        expect(transaction).to.equal(receipts[name].hash);
        expect(gas).to.equal(Number(receipts[name].gasUsed));
      }
    });

    it("finds the transactions of others by the logs of what they created", async () => {
      const { build, connection, parameters, plan, sender } = await loadFixture(fresh);
      const receipts = await completeDeployment(plan, connection, sender);
      const { transactions } = await addressBook({ connection, parameters, plan, build, receipts });
      const book = await addressBook({ connection, parameters, plan, build, receipts: {} });
      // whose constructors log nothing
      delete transactions.renderer;
      delete transactions.genesis;
      expect(book.transactions).to.deep.equal(transactions);
    });
  });

  it("addressBook has no transactions where the node refuses logs, and is not written where it is lost", async () => {
    const { build, connection, parameters, plan, sender } = await loadFixture(fresh);
    await completeDeployment(plan, connection, sender);
    const bookBy = (failure: Error) => {
      const provider = Object.create(connection.provider) as Connection["provider"];
      provider.getLogs = () => Promise.reject(failure);
      return addressBook({ connection: { ...connection, provider }, parameters, plan, build, receipts: {} });
    };
    expect((await bookBy(new Error("history has been pruned"))).transactions).to.deep.equal({});
    await expect(bookBy(LOST)).to.be.rejectedWith(UnreachableError);
  });

  describe("differences", () => {
    it("names what a deployment was made with otherwise than parameters would make it, and nothing else", async () => {
      const { build, connection, parameters, plan, sender } = await loadFixture(fresh);
      const receipts = await completeDeployment(plan, connection, sender);
      const book = await addressBook({ connection, parameters, plan, build, receipts });
      const compare = (changed: DeploymentParameters) =>
        differences(book, planDeployment(changed, build), changed, connection.chainId, build);

      expect(await compare(parameters)).to.deep.equal([]);
      const governor = { ...parameters.governor, minDelay: 60n };
      expect(await compare({ ...parameters, governor, vetoWindow: HOUR })).to.deep.equal([
        { path: "timelock.minDelay", deployed: "172800", planned: "60" },
        { path: "genesis.plan.vetoWindow", deployed: "21600", planned: "3600" },
      ]);
    });
  });

  describe("SafeSender", () => {
    it("writes what is not done yet as a batch that the Transaction Builder reads, and sends nothing", async () => {
      const { plan } = await loadFixture(fresh);
      const directory = await mkdtemp(path.join(tmpdir(), "turingfog-safe-"));
      const file = path.join(directory, "batch.json");
      const safe = new SafeSender(file, 1n, "Deploy TuringFog");
      const calls = plan.steps.slice(0, 3).map(({ call }) => call);

      expect(await safe.submit(calls, async (i) => i === 0)).to.deep.equal({ kind: "batch", file });
      const batch = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
      expect(batch).to.deep.include({
        version: "1.0",
        chainId: "1",
        transactions: calls.slice(1).map(({ to, data }) => {
          return { to, value: "0", data, contractMethod: null, contractInputsValues: null };
        }),
      });
      await expect(safe.submit(calls, async () => true)).to.be.rejectedWith(NothingToSignError);
      expect(await missingSteps(plan, ethers.provider)).to.have.length(plan.steps.length);
      await rm(directory, { recursive: true });
    });
  });
});
