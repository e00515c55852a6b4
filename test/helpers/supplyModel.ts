/**
 * The supply rule as protocol.md tells it in section 1, phase by phase and holder by holder: nothing here is shared with
 * `src/` or with the contracts. Amounts are in units of 10^-18 TFT.
 */

const TFT = 10n ** 18n;

export type ModelPhase = "ProductionMining" | "BuybackDistribution" | "Mature";

/** "Supply 562.5 M": where production mining ends. */
const SUPPLY_AT_E1 = (1_000_000_000n - 437_500_000n) * TFT;
/** "Burning stops for good". */
const SUPPLY_AT_E2 = 100_000_000n * TFT;

/** What one destruction did. */
export interface ModelDestruction {
  burnedInProductionMining: bigint;
  burnedInBuybackDistribution: bigint;
  distributed: bigint;
  released: bigint;
}

/** Everybody's TFT: the reserve's and everyone else's. A destruction is of TFT that were in circulation. */
export class SupplyModel {
  reserve = 350_000_000n * TFT;
  circulating = 650_000_000n * TFT;
  private everBurned = 0n;
  private everReleased = 0n;

  get total(): bigint {
    return this.reserve + this.circulating;
  }

  get burned(): bigint {
    return this.everBurned;
  }

  get released(): bigint {
    return this.everReleased;
  }

  get phase(): ModelPhase {
    if (this.total > SUPPLY_AT_E1) return "ProductionMining";
    return this.total > SUPPLY_AT_E2 ? "BuybackDistribution" : "Mature";
  }

  /** Destroys an amount bought back, each part of it by the rule of the phase it falls in. */
  destroy(bought: bigint): ModelDestruction {
    const result = { burnedInProductionMining: 0n, burnedInBuybackDistribution: 0n, distributed: 0n, released: 0n };
    let left = bought;

    // what the reserve has still to release does not raise the total, so the phase depends on burning alone
    if (this.phase === "ProductionMining") {
      const untilE1 = this.total - SUPPLY_AT_E1;
      const part = left < untilE1 ? left : untilE1;
      this.burn(part);
      result.burnedInProductionMining = part;
      left -= part;
    }
    if (left > 0n && this.phase === "BuybackDistribution") {
      // half of it is burned, so this phase takes twice what is left to burn
      const takes = 2n * (this.total - SUPPLY_AT_E2);
      const part = left < takes ? left : takes;
      const smallerHalf = part / 2n;
      this.burn(part - smallerHalf);
      result.burnedInBuybackDistribution = part - smallerHalf;
      result.distributed = smallerHalf;
      left -= part;
    }
    result.distributed += left;

    // 80 % of all that was ever burned, in whole units, until the reserve is empty
    let entitled = (this.everBurned * 8n) / 10n;
    if (entitled > 350_000_000n * TFT) entitled = 350_000_000n * TFT;
    result.released = entitled - this.everReleased;
    this.reserve -= result.released;
    this.circulating += result.released;
    this.everReleased = entitled;
    return result;
  }

  private burn(amount: bigint): void {
    this.circulating -= amount;
    this.everBurned += amount;
  }
}
