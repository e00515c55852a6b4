import PoolManagerArtifact from "@uniswap/v4-core/out/PoolManager.sol/PoolManager.json";
import LiquidityArtifact from "@uniswap/v4-core/out/PoolModifyLiquidityTest.sol/PoolModifyLiquidityTest.json";
import {
  AbiCoder,
  Contract,
  ContractFactory,
  keccak256,
  ZeroAddress,
  ZeroHash,
  type InterfaceAbi,
  type Signer,
} from "ethers";
import { artifacts, ethers, network } from "hardhat";

import type { HostileHook } from "../../typechain-types";
import { POOL_FEE, type TokenAmount } from "./uniswap";

/** The tick spacing that Uniswap gives to pools of {@link POOL_FEE}, and the widest range that it takes. */
export const TICK_SPACING = 60;
const MAX_TICK = 887_220;

/** One, with 96 binary decimals. */
const Q96 = 2n ** 96n;

/** Uniswap v4 as Uniswap has published it. */
export interface UniswapV4 {
  manager: Contract;
  /** Uniswap's own test router, which provides liquidity for its caller. */
  liquidity: Contract;
}

/** What tells a pool from every other. */
export interface PoolKey {
  currency0: string;
  currency1: string;
  fee: number;
  tickSpacing: number;
  hooks: string;
}

/** Bits of the address of hooks, which say what they are called for. */
export const HOOKS = { beforeSwap: 0x80n, afterSwap: 0x40n, beforeSwapTakes: 0x08n, afterSwapTakes: 0x04n };

/** Deploys Uniswap v4 from the bytecode in Uniswap's npm package. */
export async function deployUniswapV4(deployer: Signer): Promise<UniswapV4> {
  const manager = await deploy(PoolManagerArtifact, [await deployer.getAddress()], deployer);
  return { manager, liquidity: await deploy(LiquidityArtifact, [manager], deployer) };
}

async function deploy(
  { abi, bytecode }: { abi: InterfaceAbi; bytecode: { object: string } },
  args: unknown[],
  deployer: Signer,
): Promise<Contract> {
  const contract = await new ContractFactory(abi, bytecode.object, deployer).deploy(...args);
  await contract.waitForDeployment();
  return new Contract(await contract.getAddress(), abi, deployer);
}

/** Returns the key of the pool of two currencies. */
export function keyOf(one: string, other: string, hooks = ZeroAddress, fee = POOL_FEE): PoolKey {
  const [currency0, currency1] = BigInt(one) < BigInt(other) ? [one, other] : [other, one];
  return { currency0, currency1, fee, tickSpacing: TICK_SPACING, hooks };
}

/** Returns the id under which the PoolManager knows a pool, and by which its events name it. */
export function poolId({ currency0, currency1, fee, tickSpacing, hooks }: PoolKey): string {
  const types = ["address", "address", "uint24", "int24", "address"];
  return keccak256(AbiCoder.defaultAbiCoder().encode(types, [currency0, currency1, fee, tickSpacing, hooks]));
}

/**
 * Creates a pool whose price is the ratio of two amounts, and provides both of them over the whole range of prices.
 *
 * @param provider Owns the amounts.
 */
export async function createPoolV4(
  { manager, liquidity }: UniswapV4,
  provider: Signer,
  hooks: string,
  ...amounts: [TokenAmount, TokenAmount]
): Promise<PoolKey> {
  const sides = await Promise.all(
    amounts.map(async ({ token, amount }) => ({ token, amount, address: await token.getAddress() })),
  );
  const key = keyOf(sides[0].address, sides[1].address, hooks);
  const [side0, side1] = sides.sort(({ address }) => (address === key.currency0 ? -1 : 1));
  const sqrtPrice = BigInt(Math.floor(Math.sqrt(Number(side1.amount) / Number(side0.amount)) * 2 ** 96));
  await manager.initialize(key, sqrtPrice);

  for (const { token, amount } of sides) await token.connect(provider).approve(liquidity, amount);
  const [of0, of1] = [(side0.amount * sqrtPrice) / Q96, (side1.amount * Q96) / sqrtPrice];
  const liquidityDelta = of0 < of1 ? of0 : of1;
  const range = { tickLower: -MAX_TICK, tickUpper: MAX_TICK, liquidityDelta, salt: ZeroHash };
  const router = liquidity.connect(provider) as Contract;
  await router["modifyLiquidity((address,address,uint24,int24,address),(int24,int24,int256,bytes32),bytes)"](
    key,
    range,
    "0x",
  );
  return key;
}

/** Puts hostile hooks at an address whose lowest bits have them called for something. */
export async function placeHooks(...called: (keyof typeof HOOKS)[]): Promise<HostileHook> {
  const bits = called.reduce((all, each) => all | HOOKS[each], 0n);
  const address = ethers.getAddress(ethers.toBeHex((0xabcdefn << 64n) | bits, 20));
  const { deployedBytecode } = await artifacts.readArtifact("HostileHook");
  await network.provider.send("hardhat_setCode", [address, deployedBytecode]);
  return ethers.getContractAt("HostileHook", address);
}
