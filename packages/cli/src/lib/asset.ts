import { type LogRange, readEvents, type SystemContracts, timelockWitness } from "@turingfog/sdk/ethers";

import { readAddress, readTokens, tokenNamed } from "./token.js";

/**
 * Returns the asset that --asset names: by its address, or by its symbol if the escrow has ever listed it.
 * @throws UsageError if no asset has the symbol, or several have it
 */
export async function assetNamed(
  text: string,
  { escrow, timelock }: SystemContracts,
  range: LogRange,
): Promise<string> {
  if (text.startsWith("0x")) return readAddress("asset", text);
  const [listed] = await readEvents(range, await timelockWitness(timelock), {
    contract: escrow,
    event: escrow.filters.AssetListed,
  });
  const tokens = await readTokens(
    listed.map(({ args }) => args.asset),
    range.provider,
  );
  return tokenNamed("asset", text, tokens.values()).address;
}
