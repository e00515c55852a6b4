import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { type Contract, MaxUint256 } from "ethers";

import { POOL_FEE, swap, type Token, type UniswapV3 } from "../../test/helpers/uniswap";
import type { TestToken, TFT } from "../../typechain-types";

const FEE_DENOMINATOR = 1_000_000n;
const Q96 = 2n ** 96n;

/** The two sides of the market, in base units; their ratio is the price. */
export interface Reserves {
  tft: bigint;
  usd: bigint;
}

/** The pool of TFT and dollars, with liquidity over the whole range of prices. */
export class Market {
  /** Who has approved the router, by token. */
  private readonly traders = new Map<Token, Set<string>>();

  private constructor(
    private readonly uniswap: UniswapV3,
    private readonly pool: Contract,
    private readonly tft: TFT,
    private readonly usd: TestToken,
    private readonly isTFTFirst: boolean,
  ) {}

  static async of(uniswap: UniswapV3, pool: Contract, tft: TFT, usd: TestToken): Promise<Market> {
    const isTFTFirst = BigInt(await tft.getAddress()) < BigInt(await usd.getAddress());
    return new Market(uniswap, pool, tft, usd, isTFTFirst);
  }

  /** Liquidity over the whole range is x · y = L² with √(y / x) = √price. */
  async reserves(): Promise<Reserves> {
    const [liquidity, { sqrtPriceX96 }] = (await Promise.all([this.pool.liquidity(), this.pool.slot0()])) as [
      bigint,
      { sqrtPriceX96: bigint },
    ];
    const first = (liquidity * Q96) / sqrtPriceX96;
    const second = (liquidity * sqrtPriceX96) / Q96;
    return this.isTFTFirst ? { tft: first, usd: second } : { tft: second, usd: first };
  }

  /** TFT (18 decimals) that `usd` (6 decimals) would buy now. */
  async quote(usd: bigint): Promise<bigint> {
    const reserves = await this.reserves();
    const paid = (usd * (FEE_DENOMINATOR - BigInt(POOL_FEE))) / FEE_DENOMINATOR;
    return (reserves.tft * paid) / (reserves.usd + paid);
  }

  /** Buys TFT for an exact amount of dollars. */
  async buyTFT(trader: HardhatEthersSigner, usd: bigint): Promise<void> {
    await this.trade(trader, this.usd, usd, this.tft);
  }

  /** Sells an exact amount of TFT. */
  async sellTFT(trader: HardhatEthersSigner, amount: bigint): Promise<void> {
    await this.trade(trader, this.tft, amount, this.usd);
  }

  /** Before the first trade the trader approves the router for all to come. */
  private async trade(trader: HardhatEthersSigner, token: Token, amount: bigint, bought: Token): Promise<void> {
    const traders = this.traders.get(token) ?? new Set();
    if (!traders.has(trader.address)) {
      await token.connect(trader).approve(this.uniswap.router, MaxUint256);
      this.traders.set(token, traders.add(trader.address));
    }
    await swap(this.uniswap, trader, { token, amount }, bought);
  }
}
