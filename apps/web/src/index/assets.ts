import { shownSymbol } from "@turingfog/sdk";
import { rowsOf, type RowsOf } from "./sql";

/** What is known of an asset. */
export interface Asset {
  address: string;
  symbol: string;
  decimals: number;
  isListed: boolean;
  /** Of its auction now; undefined for TFT, which is not sold. */
  referencePrice?: bigint;
}

/** The question for the assets, which every page with amounts asks with its own. */
export const ASSETS = rowsOf("assets", ["address", "decimals", "isListed"], { nullable: ["symbol", "referencePrice"] });

/** The assets by their addresses in lower case. */
export class Assets {
  readonly #byAddress: Map<string, Asset>;

  constructor(rows: RowsOf<typeof ASSETS>) {
    this.#byAddress = new Map(rows.map((row) => [row.address, assetOf(row)]));
  }

  get all(): Asset[] {
    return [...this.#byAddress.values()];
  }

  /** Returns an asset; one that was never listed counts in base units. */
  of(address: string): Asset {
    const known = this.#byAddress.get(address.toLowerCase());
    return known ?? { address, symbol: shownSymbol(null, address), decimals: 0, isListed: false };
  }
}

function assetOf(row: RowsOf<typeof ASSETS>[number]): Asset {
  return {
    address: row.address,
    symbol: shownSymbol(row.symbol, row.address),
    decimals: Number(row.decimals),
    isListed: row.isListed === "true",
    referencePrice: row.referencePrice === null ? undefined : BigInt(row.referencePrice),
  };
}
