import { checkRange, max } from "@turingfog/sdk";

const Q96 = 96n;
const FEE_DENOMINATOR = 1_000_000n;
const LARGEST = 2n ** 128n - 1n;

/**
 * A Uniswap v3 pool of dollars (token 0, 6 decimals) and TFT (token 1, 18 decimals) whose liquidity lies over the whole
 * range of prices. It gives what the original gives for an exact amount in: to the unit if the price stays within a word
 * of the original's bitmap of ticks, and to 9 digits else, because that rounds to a dollar's base unit once more. Fees are kept beside it,
 * for its providers.
 */
export class Pool {
  constructor(
    /** √(TFT / dollars), both in base units, with 96 binary decimals. */
    public sqrtPriceX96: bigint,
    public liquidity: bigint,
    /** Hundredths of a basis point. */
    readonly fee = 3_000n,
  ) {}

  /** Returns a pool that has about so much of both. */
  static of(dollars: bigint, tft: bigint): Pool {
    const sqrtPrice = Math.sqrt(Number(tft) / Number(dollars));
    return new Pool(BigInt(Math.floor(sqrtPrice * 2 ** 96)), BigInt(Math.floor(Number(dollars) * sqrtPrice)));
  }

  /** Returns the price in TFT for a dollar, whole units. */
  get price(): number {
    return (Number(this.sqrtPriceX96) / 2 ** 96) ** 2 / 1e12;
  }

  /** Returns the dollars in it, whole ones: its depth. */
  get dollars(): number {
    return Number(this.liquidity) / (Number(this.sqrtPriceX96) / 2 ** 96) / 1e6;
  }

  /** Returns the dollars to sell, whole ones, until the price has fallen to `price` TFT for a dollar; 0 if it has. */
  dollarsUntil(price: number): number {
    return (Math.max(this.dollars * (Math.sqrt(this.price / price) - 1), 0) * 1e6) / Number(FEE_DENOMINATOR - this.fee);
  }

  /** Returns the TFT to sell, whole ones, until the price has risen to `price` TFT for a dollar; 0 if it has. */
  tftUntil(price: number): number {
    const held = this.dollars * this.price;
    return (Math.max(held * (Math.sqrt(price / this.price) - 1), 0) * 1e6) / Number(FEE_DENOMINATOR - this.fee);
  }

  /** Returns the TFT that selling dollars would give, and the price after it. Base units. */
  quoteDollars(amount: bigint): { out: bigint; sqrtPriceX96: bigint } {
    checkRange("dollars", amount, 0n, LARGEST);
    const numerator = this.liquidity << Q96;
    const denominator = numerator + this.withoutFee(amount) * this.sqrtPriceX96;
    const sqrtPriceX96 = (numerator * this.sqrtPriceX96 + denominator - 1n) / denominator;
    return { out: (this.liquidity * (this.sqrtPriceX96 - sqrtPriceX96)) >> Q96, sqrtPriceX96 };
  }

  /** Sells dollars for TFT and returns how much it gives. Base units. */
  sellDollars(amount: bigint): bigint {
    const { out, sqrtPriceX96 } = this.quoteDollars(amount);
    this.sqrtPriceX96 = sqrtPriceX96;
    return out;
  }

  /** Sells TFT for dollars and returns how much it gives. Base units. */
  sellTFT(amount: bigint): bigint {
    checkRange("TFT", amount, 0n, LARGEST);
    const before = this.sqrtPriceX96;
    this.sqrtPriceX96 = before + (this.withoutFee(amount) << Q96) / this.liquidity;
    return ((this.liquidity << Q96) * (this.sqrtPriceX96 - before)) / this.sqrtPriceX96 / before;
  }

  /** Scales the liquidity, as providers add to it or take from it, to hold about so many whole dollars. */
  deepen(dollars: number): void {
    const scaled = (Number(this.liquidity) * dollars) / this.dollars;
    this.liquidity = max(BigInt(Math.floor(scaled)), 1n);
  }

  private withoutFee(amount: bigint): bigint {
    return (amount * (FEE_DENOMINATOR - this.fee)) / FEE_DENOMINATOR;
  }
}
