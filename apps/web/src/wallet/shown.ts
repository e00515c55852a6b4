import { formatUnits } from "ethers";

import { shownSymbol, TuringFogError } from "@turingfog/sdk";
import { answerOf, TFT__factory, type TuringFog } from "@turingfog/sdk/ethers";

/** An asset as the index tells it. */
export interface ShownAsset {
  address: string;
  symbol: string;
  decimals: number;
}

/** A lot as the index tells it. */
export interface ShownLot {
  asset: ShownAsset;
  round: bigint;
  amount: bigint;
  remaining: bigint;
}

/** Thrown before anything is signed, if the chain says otherwise than the page. */
export class NotAsShownError extends TuringFogError {
  constructor(
    readonly what: string,
    shown: bigint | number | string,
    actual: bigint | number | string,
  ) {
    super(
      `${what} ${actual} on the chain, and the page has shown ${shown}: nothing was sent. ` +
        "Look at what the page shows now; if it stays so, the index is wrong",
    );
  }
}

function check<T extends bigint | number | string>(what: string, shown: T, actual: T): void {
  if (shown !== actual) throw new NotAsShownError(what, shown, actual);
}

/**
 * Checks what an asset is called and counts in.
 * @throws NotAsShownError
 */
export async function checkAsset({ runner }: TuringFog, { address, symbol, decimals }: ShownAsset): Promise<void> {
  const token = TFT__factory.connect(address, runner);
  const [name, places] = await Promise.all([answerOf(token.symbol()), token.decimals()]);
  check(`The asset ${address} has decimals:`, decimals, Number(places));
  check(`The asset ${address} is called`, symbol, shownSymbol(name, address));
}

/**
 * Checks what is left of a lot, and of what.
 * @throws NotAsShownError
 */
export async function checkLot(fog: TuringFog, { asset, round, amount, remaining }: ShownLot): Promise<void> {
  const [lot] = await Promise.all([fog.contracts.controller.lot(asset.address), checkAsset(fog, asset)]);
  const whole = (units: bigint) => `${formatUnits(units, asset.decimals)} ${asset.symbol}`;
  check("The lot for sale is of round", round, lot.round);
  check("The lot is", whole(amount), whole(lot.amount));
  check("What is left of the lot is", whole(remaining), whole(lot.remaining));
}

/**
 * Checks what a node asks for a TU.
 * @throws NotAsShownError
 */
export async function checkUnitPrice(
  { contracts: { registry } }: TuringFog,
  nodeId: bigint,
  asset: ShownAsset,
  unitPrice: bigint,
): Promise<void> {
  const listing = await registry.listing(nodeId, asset.address);
  const whole = (units: bigint) => `${formatUnits(units, asset.decimals)} ${asset.symbol}`;
  check("The node's price for a TU is", whole(unitPrice), whole(listing.unitPrice));
}
