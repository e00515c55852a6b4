import { time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY } from "@turingfog/sdk";
import { mined } from "@turingfog/sdk/ethers";
import DistributorArtifact from "@uniswap/merkle-distributor/build/MerkleDistributor.json";
import V2FactoryArtifact from "@uniswap/v2-core/build/UniswapV2Factory.json";
import V2RouterArtifact from "@uniswap/v2-periphery/build/UniswapV2Router02.json";
import {
  concat,
  Contract,
  ContractFactory,
  type ContractTransactionResponse,
  id,
  type InterfaceAbi,
  keccak256,
  MaxUint256,
  parseUnits,
  type Signer,
  solidityPackedKeccak256,
  ZeroAddress,
} from "ethers";
import { ethers } from "hardhat";

import { POOL_FEE } from "../../../test/helpers/uniswap";
import { type Meter, undone } from "./meter";
import type { World } from "./world";

/** Depth of a tree of 100,000 leaves. */
const DEPTH = 17;

const PAID = parseUnits("1000", 6);
const RELEASED = parseUnits("1000", 18);

/** Measures what others have published with their bytecode, on the same chain; balances and slots are not zero before. */
export async function measurePeers(world: World, meter: Meter): Promise<void> {
  for (const measure of [measureDistributor, measureSwaps, measureVesting, measureTransfer]) {
    await undone(() => measure(world, meter));
  }
}

async function measureDistributor({ contracts: { dai }, actors }: World, meter: Meter): Promise<void> {
  const { deployer, renters } = actors;
  const claimant = renters[0];
  const leaves = [0, 1].map((index) =>
    solidityPackedKeccak256(["uint256", "address", "uint256"], [index, claimant.address, RELEASED]),
  );
  // a proof costs by its length, not by the size of the tree
  const above = Array.from({ length: DEPTH - 1 }, (_, level) => id(`level ${level}`));
  const root = above.reduce(pairHash, pairHash(leaves[0], leaves[1]));

  const distributor = await deploy(DistributorArtifact, [await dai.getAddress(), root], deployer);
  await dai.mint(distributor, 10n * RELEASED);
  // the claims of 256 leaves share a slot
  await distributor.claim(0, claimant, RELEASED, [leaves[1], ...above]);
  await meter.measure("peer.distributor", sent(distributor.claim(1, claimant, RELEASED, [leaves[0], ...above])));
}

function pairHash(a: string, b: string): string {
  return keccak256(concat(a < b ? [a, b] : [b, a]));
}

async function measureSwaps({ contracts: { tft, usd }, actors, uniswap }: World, meter: Meter): Promise<void> {
  const { bidder, deployer, treasury } = actors;
  const v3 = uniswap.router.connect(bidder) as Contract;
  await usd.connect(bidder).approve(v3, MaxUint256);
  const params = {
    tokenIn: usd,
    tokenOut: tft,
    fee: POOL_FEE,
    recipient: bidder.address,
    deadline: MaxUint256,
    amountIn: PAID,
    amountOutMinimum: 0,
    sqrtPriceLimitX96: 0,
  };
  await v3.exactInputSingle(params);
  await meter.measure("peer.v3swap", sent(v3.exactInputSingle(params)));

  const factory = await deploy(V2FactoryArtifact, [ZeroAddress], deployer);
  const router = await deploy(V2RouterArtifact, [await factory.getAddress(), ZeroAddress], deployer);
  const [usdLiquidity, tftLiquidity] = [1_000n * PAID, 20_000n * RELEASED];
  await usd.mint(treasury, usdLiquidity);
  await usd.connect(treasury).approve(router, MaxUint256);
  await tft.connect(treasury).approve(router, MaxUint256);
  const provider = router.connect(treasury) as Contract;
  await provider.addLiquidity(usd, tft, usdLiquidity, tftLiquidity, 0, 0, treasury, MaxUint256);

  const v2 = router.connect(bidder) as Contract;
  await usd.connect(bidder).approve(v2, MaxUint256);
  const swap = () => sent(v2.swapExactTokensForTokens(PAID, 0, [usd, tft], bidder, MaxUint256));
  await mined(swap());
  await meter.measure("peer.v2swap", swap());
}

async function measureVesting({ contracts: { tft }, actors }: World, meter: Meter): Promise<void> {
  const { renters, treasury } = actors;
  const start = await time.latest();
  const vesting = await ethers.deployContract("VestingWallet", [renters[0], start, 100n * DAY]);
  await tft.connect(treasury).transfer(vesting, RELEASED);
  for (const name of [undefined, "peer.vesting"]) {
    await time.increase(DAY);
    const releasing = vesting["release(address)"](tft);
    if (name === undefined) await mined(releasing);
    else await meter.measure(name, releasing);
  }
}

async function measureTransfer({ contracts: { tft, dai }, actors }: World, meter: Meter): Promise<void> {
  const [sender, recipient] = actors.renters;
  await meter.measure("transfer", tft.connect(sender).transfer(recipient, RELEASED));
  await meter.measure("peer.transfer", dai.connect(sender).transfer(recipient, RELEASED));
}

/** A contract that has no bindings here answers a method call with a transaction. */
function sent(call: Promise<unknown>): Promise<ContractTransactionResponse> {
  return call as Promise<ContractTransactionResponse>;
}

async function deploy(
  { abi, bytecode }: { abi: InterfaceAbi; bytecode: string },
  args: unknown[],
  deployer: Signer,
): Promise<Contract> {
  const contract = await new ContractFactory(abi, bytecode, deployer).deploy(...args);
  await contract.waitForDeployment();
  return new Contract(await contract.getAddress(), abi, deployer);
}
