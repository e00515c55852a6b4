import FactoryArtifact from "@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json";
import PoolArtifact from "@uniswap/v3-core/artifacts/contracts/UniswapV3Pool.sol/UniswapV3Pool.json";
import PositionManagerArtifact from "@uniswap/v3-periphery/artifacts/contracts/NonfungiblePositionManager.sol/NonfungiblePositionManager.json";
import RouterArtifact from "@uniswap/v3-periphery/artifacts/contracts/SwapRouter.sol/SwapRouter.json";
import { Contract, ContractFactory, MaxUint256, ZeroAddress, type InterfaceAbi, type Signer } from "ethers";

import type { TestToken, TFT } from "../../typechain-types";

/** The fee of 0.3 %, in hundredths of a basis point. */
export const POOL_FEE = 3_000;

/** The widest range that a pool of this fee's tick spacing, 60, takes. */
const MAX_TICK = 887_220;

/** Uniswap v3 as Uniswap has published it. */
export interface UniswapV3 {
  factory: Contract;
  positionManager: Contract;
  router: Contract;
}

export type Token = TFT | TestToken;

/** A token and how much of it, in base units. */
export interface TokenAmount {
  token: Token;
  amount: bigint;
}

/** Deploys Uniswap v3 from the bytecode in Uniswap's npm packages. */
export async function deployUniswapV3(deployer: Signer): Promise<UniswapV3> {
  const factory = await deploy(FactoryArtifact, [], deployer);
  // no native coin and no pictures of positions, so neither the wrapped coin nor the descriptor is needed
  const positionManager = await deploy(PositionManagerArtifact, [factory, ZeroAddress, ZeroAddress], deployer);
  const router = await deploy(RouterArtifact, [factory, ZeroAddress], deployer);
  return { factory, positionManager, router };
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

/**
 * Creates a pool whose price is the ratio of two amounts, and provides both of them over the whole range of prices.
 *
 * @param provider Owns the amounts and the position.
 */
export async function createPool(
  { factory, positionManager }: UniswapV3,
  provider: Signer,
  ...amounts: [TokenAmount, TokenAmount]
): Promise<Contract> {
  const sides = await Promise.all(
    amounts.map(async ({ token, amount }) => ({ token, amount, address: await token.getAddress() })),
  );
  const [side0, side1] = sides.sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
  const sqrtPriceX96 = BigInt(Math.floor(Math.sqrt(Number(side1.amount) / Number(side0.amount)) * 2 ** 96));

  const manager = positionManager.connect(provider) as Contract;
  await manager.createAndInitializePoolIfNecessary(side0.address, side1.address, POOL_FEE, sqrtPriceX96);
  for (const { token, amount } of sides) await token.connect(provider).approve(manager, amount);
  await manager.mint({
    token0: side0.address,
    token1: side1.address,
    fee: POOL_FEE,
    tickLower: -MAX_TICK,
    tickUpper: MAX_TICK,
    amount0Desired: side0.amount,
    amount1Desired: side1.amount,
    amount0Min: 0,
    amount1Min: 0,
    recipient: await provider.getAddress(),
    deadline: MaxUint256,
  });

  const pool = (await factory.getPool.staticCall(side0.address, side1.address, POOL_FEE)) as string;
  return new Contract(pool, PoolArtifact.abi, provider);
}

/** Sells an exact amount through the router, which the trader has approved, for whatever the pool gives. */
export async function swap(
  { router }: UniswapV3,
  trader: Signer,
  { token: tokenIn, amount: amountIn }: TokenAmount,
  tokenOut: Token,
): Promise<void> {
  await (router.connect(trader) as Contract).exactInputSingle({
    tokenIn,
    tokenOut,
    fee: POOL_FEE,
    recipient: await trader.getAddress(),
    deadline: MaxUint256,
    amountIn,
    amountOutMinimum: 0,
    sqrtPriceLimitX96: 0,
  });
}
