import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY } from "@turingfog/sdk";
import { expect } from "chai";
import { type BaseContract, type Contract, dataSlice, FunctionFragment, getAddress, toBeHex } from "ethers";
import hre, { ethers } from "hardhat";

import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { earn, startEpoch } from "../helpers/market";
import { impersonate } from "../helpers/system";
import { buy, openLot } from "./lots";
import { TFT, USD } from "./predictions";

type Core = "tft" | "vault" | "controller" | "pool" | "oracle" | "registry" | "escrow" | "genesis";

/** Who alone may call a function, and what everyone else is refused with. */
interface Guard {
  role: "controller" | "escrow" | "oracle" | "governor" | "guardian";
  error: string;
}

const by = (role: Guard["role"], error: string): Guard => ({ role, error });

/** Every function of the core that changes something, and who may call it; null is anyone, for what is his own. */
const CALLERS: Record<Exclude<Core, "genesis">, Record<string, Guard | null>> = {
  tft: {
    approve: null,
    transfer: null,
    transferFrom: null,
    permit: null,
    burn: by("controller", "TFT_NotController"),
  },
  vault: {
    release: by("controller", "Vault_NotController"),
    payOperations: null,
    setOperations: by("governor", "Vault_NotGovernor"),
  },
  controller: {
    burn: null,
    buy: null,
    writeOff: null,
    createAuction: by("escrow", "Controller_NotEscrow"),
  },
  pool: {
    addWeights: by("escrow", "Pool_NotEscrow"),
    addReward: by("controller", "Pool_NotController"),
    claim: null,
    claimFor: null,
    setRecipient: null,
  },
  oracle: {
    submit: null,
    veto: by("guardian", "Oracle_NotGuardian"),
    freeze: by("guardian", "Oracle_NotGuardian"),
    thaw: by("guardian", "Oracle_NotGuardian"),
    setSigners: by("governor", "Oracle_NotGovernor"),
    setGuardian: by("governor", "Oracle_NotGovernor"),
  },
  registry: {
    attestRating: null,
    vetoRating: by("guardian", "Registry_NotGuardian"),
    attestNode: null,
    revokeNode: by("guardian", "Registry_NotGuardian"),
    registerNode: null,
    setPayout: null,
    setListing: null,
    setMetadataURI: null,
    transferNode: null,
    acceptNode: null,
    reserve: by("escrow", "Registry_NotEscrow"),
  },
  escrow: {
    openOrder: null,
    openOrders: null,
    openOrderWithPermit: null,
    settle: null,
    settleAcknowledged: null,
    stop: null,
    close: null,
    approve: null,
    setApprovalForAll: null,
    transferFrom: null,
    "safeTransferFrom(address,address,uint256)": null,
    "safeTransferFrom(address,address,uint256,bytes)": null,
    setFreeze: by("oracle", "Escrow_NotOracle"),
    listAsset: by("governor", "Escrow_NotGovernor"),
    delistAsset: by("governor", "Escrow_NotGovernor"),
  },
};

/** Opcodes by which a contract could run another's code as its own, end itself, or trust who began a transaction. */
const FORBIDDEN: Record<number, string> = {
  0x32: "ORIGIN",
  0xf2: "CALLCODE",
  0xf4: "DELEGATECALL",
  0xff: "SELFDESTRUCT",
};

function coreOf({ contracts }: Protocol): [Core, BaseContract][] {
  const { tft, vault, controller, pool, oracle, registry, escrow, genesis } = contracts;
  return Object.entries({ tft, vault, controller, pool, oracle, registry, escrow, genesis }) as [Core, BaseContract][];
}

function changing({ interface: abi }: BaseContract): FunctionFragment[] {
  return abi.fragments.filter(
    (fragment): fragment is FunctionFragment => FunctionFragment.isFragment(fragment) && !fragment.constant,
  );
}

/** What a function takes, of each argument the least: only who calls it matters. */
function leastArguments(fragment: FunctionFragment): unknown[] {
  return fragment.inputs.map(({ baseType, type }) => {
    if (baseType === "array") return [];
    if (type === "address") return toBeHex(1, 20);
    if (type.startsWith("bytes")) return type === "bytes" ? "0x" : toBeHex(1, Number(type.slice(5)));
    return type === "bool" ? true : 1n;
  });
}

/** The forbidden opcodes that a contract's code has up to its metadata and data, which follow an INVALID. */
function forbiddenIn(code: string): string[] {
  const bytes = ethers.getBytes(code);
  const found: string[] = [];
  for (let at = 0; at < bytes.length && bytes[at] !== 0xfe; at++) {
    const opcode = bytes[at];
    if (opcode in FORBIDDEN) found.push(`${FORBIDDEN[opcode]} at ${at}`);
    if (opcode >= 0x60 && opcode <= 0x7f) at += opcode - 0x5f;
  }
  return found;
}

/** The accounts that a transaction has called, in all. */
async function calledBy(hash: string): Promise<Set<string>> {
  const trace = (await hre.network.provider.send("debug_traceTransaction", [
    hash,
    { disableStorage: true, disableMemory: true },
  ])) as { structLogs: { op: string; stack: string[] }[] };
  const calls = trace.structLogs.filter(({ op }) => op.endsWith("CALL") || op === "CALLCODE");
  return new Set(
    calls.map(({ stack }) =>
      getAddress(dataSlice(toBeHex(BigInt(`0x${stack[stack.length - 2].replace(/^0x/, "")}`), 32), 12)),
    ),
  );
}

describe("The surface of the core", () => {
  it("takes no native coin, by any function or without one [T23]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { stranger } = protocol.actors;

    for (const [name, contract] of coreOf(protocol)) {
      const payable = contract.interface.fragments.filter((fragment) => "payable" in fragment && fragment.payable);
      expect(payable, name).to.deep.equal([]);
      expect(contract.interface.receive, name).to.equal(false);
      expect(contract.interface.fallback, name).to.equal(null);
      await expect(stranger.sendTransaction({ to: contract, value: 1n }), name).to.be.revertedWithoutReason();
    }
  });

  it("offers no batch of calls, no delegated call and no upgrade [T23]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);

    for (const [name, contract] of coreOf(protocol)) {
      expect(
        changing(contract)
          .map((fragment) => fragment.name)
          .join(),
        name,
      ).not.to.match(/multicall|batch|upgrade|execute/i);
      const code = await ethers.provider.getCode(contract);
      expect(forbiddenIn(code), name).to.deep.equal([]);
    }
  });

  it("calls nothing outside the protocol but the asset and the filler when a lot is bought, and the pool when it is given up [T24]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, dai, vault, pool, controller, escrow } = protocol.contracts;
    const { miners, bidder } = protocol.actors;
    const round = await earn(protocol, [
      { asset: usd, amount: USD, miner: miners[0] },
      { asset: tft, amount: TFT, miner: miners[0] },
    ]);
    await startEpoch(protocol);
    const addresses = await Promise.all([tft, usd, vault, pool, controller, escrow].map((each) => each.getAddress()));

    const burn = await calledBy((await controller.burn(round)).hash);
    const other = await openLot(protocol, dai, [{ amount: USD, miner: miners[0] }]);
    const purchase = await calledBy((await buy(protocol, bidder, { asset: usd, round, start: 0n }, USD)).hash);

    expect([...burn]).to.have.members([tft, vault, pool].map(({ target }) => target));
    expect([...purchase]).to.have.members([tft, usd, vault, pool].map(({ target }) => target));
    await time.increaseTo(other.start + 30n * DAY);
    const writeOff = await calledBy((await controller.writeOff(dai, other.round)).hash);
    expect([...writeOff]).to.have.members([pool.target]);
    expect(addresses).to.include.members([...burn, ...purchase, ...writeOff]);
  });

  it("lets each role call what is listed here and nothing else [T30]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { controller, escrow, oracle, timelock } = protocol.contracts;
    const { guardian, deployer, stranger, operations, admin } = protocol.actors;
    const roles = {
      controller: await impersonate(controller),
      escrow: await impersonate(escrow),
      oracle: await impersonate(oracle),
      governor: await impersonate(timelock),
      guardian,
    };
    const everyone = [...Object.values(roles), deployer, stranger, operations, admin];

    for (const [name, contract] of coreOf(protocol)) {
      if (name === "genesis") continue;
      const fragments = new Map(
        changing(contract).map((fragment) => {
          const key = fragment.name in CALLERS[name] ? fragment.name : fragment.format("sighash");
          return [key, fragment];
        }),
      );
      expect([...fragments.keys()], name).to.have.members(Object.keys(CALLERS[name]));

      for (const [key, guard] of Object.entries(CALLERS[name])) {
        const fragment = fragments.get(key);
        if (guard === null || fragment === undefined) continue;
        for (const caller of everyone.filter(({ address }) => address !== roles[guard.role].address)) {
          const called = (contract.connect(caller) as Contract).getFunction(fragment.format("sighash"));
          await expect(called.staticCall(...leastArguments(fragment)), `${name}.${key}`)
            .to.be.revertedWithCustomError(contract, guard.error)
            .withArgs(caller.address);
        }
      }
    }
  });
});
