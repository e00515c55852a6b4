import path from "node:path";

import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { readParameters } from "@turingfog/operator";
import { HOUR, MINUTE, WAD } from "@turingfog/sdk";
import { ethers, ignition } from "hardhat";

import FillerModule from "../../deploy/modules/Filler";
import { deployProtocolFixture, type Protocol } from "../../test/helpers/fixture";
import { passVetoWindow, registerUnattested, submitAttestation } from "../../test/helpers/market";
import { createPool, deployUniswapV3, POOL_FEE } from "../../test/helpers/uniswap";

const LOCAL_PARAMETERS = path.join(__dirname, "../../deploy/parameters/local.json5");

/** Base units of an asset for 1 TU: 20 TFT, and 20 of either stablecoin. */
export const PRICES = { tft: 20n * WAD, usd: 20n * 10n ** 6n, dai: 20n * WAD };

/** TU that each node has on offer, in each asset. */
const PLENTY = 2n ** 100n;

/** What nodes with an agent have, in their order: five ratings. */
const HARDWARE = [
  { gpuModel: "V100", gpuCount: 1_024n },
  { gpuModel: "RTX 2080 Ti", gpuCount: 1_024n },
  { gpuModel: "Titan XP", gpuCount: 512n },
  { gpuModel: "GTX 1080 Ti", gpuCount: 512n },
  { gpuModel: "RTX 2080", gpuCount: 256n },
];

/** Nodes without an agent. */
const OTHERS = 4;

/** What a pool of dollars is seeded with: 20 TFT for a dollar, as the auction's reference price. */
const POOL = { usd: 100_000n * 10n ** 6n, tft: 2_000_000n * WAD };

/** A node and its owner. */
export interface OwnedNode {
  owner: HardhatEthersSigner;
  nodeId: bigint;
}

/** A network before anybody works in it. */
export interface Genesis {
  protocol: Protocol;
  /** Nodes that get an agent. */
  agents: readonly OwnedNode[];
  /** Nodes that get none. */
  others: readonly OwnedNode[];
  /** Sells what it buys in Uniswap's pool of dollars. */
  filler: string;
}

/** Deploys the protocol with short times and Uniswap beside it, and registers, attests and lists all nodes. */
export async function foundNetwork(): Promise<Genesis> {
  const { governor } = readParameters(LOCAL_PARAMETERS);
  const protocol = await deployProtocolFixture({
    governor: { ...governor, minDelay: HOUR },
    vetoWindow: 10n * MINUTE,
    grace: 2n * HOUR,
    epochLength: 10n * MINUTE,
    auctionPeriod: 20n * MINUTE,
  });
  const { miners, bidder, stranger } = protocol.actors;
  const owners = [...miners, bidder, (await ethers.getSigners())[17]];
  const agents: OwnedNode[] = [];
  for (const [i, owner] of owners.entries())
    agents.push({ owner, nodeId: await registerUnattested(protocol, owner, HARDWARE[i]) });
  const others: OwnedNode[] = [];
  for (let i = 0; i < OTHERS; ++i)
    others.push({ owner: stranger, nodeId: await registerUnattested(protocol, stranger) });
  for (const { nodeId } of [...agents, ...others]) await submitAttestation(protocol, nodeId);
  await passVetoWindow(protocol);
  for (const node of [...agents, ...others]) await list(protocol, node);
  return { protocol, agents, others, filler: await deployFiller(protocol) };
}

async function list({ contracts }: Protocol, { owner, nodeId }: OwnedNode): Promise<void> {
  for (const asset of ["tft", "usd", "dai"] as const)
    await contracts.registry.connect(owner).setListing(nodeId, contracts[asset], PRICES[asset], PLENTY);
}

async function deployFiller({ contracts, actors }: Protocol): Promise<string> {
  const { controller, usd, tft } = contracts;
  const uniswap = await deployUniswapV3(actors.deployer);
  await usd.mint(actors.treasury, POOL.usd);
  const sides = [
    { token: usd, amount: POOL.usd },
    { token: tft, amount: POOL.tft },
  ] as const;
  await createPool(uniswap, actors.treasury, ...sides);
  const Filler = { controller: await controller.getAddress(), factory: await uniswap.factory.getAddress() };
  const { filler } = await ignition.deploy(FillerModule, { parameters: { Filler } });
  return filler.getAddress();
}

/** The pool in which the filler sells, as a keeper's configuration names it. */
export const FILLER_POOL = { fee: POOL_FEE };
