import type { Random } from "@turingfog/economy";
import type { Addresses } from "@turingfog/sdk/ethers";
import { network } from "hardhat";

import { Story } from "../demo/story";

/** An address book of a local node, as far as its readers need it. */
export interface LocalBook extends Addresses {
  network: "localhost";
  chainId: number;
  firstBlock: number;
}

/** Lives the first ten days and some months after them, and returns where the contracts are. */
export async function live(random: Random, months: number, say: (text: string) => void): Promise<LocalBook> {
  const story = await Story.begin(random, { note: say, row: () => {} });
  await story.tenDays();
  await story.months(months);
  if (months === Infinity) await story.maturity();
  const { fog, filler } = story.economy.world;
  return {
    network: "localhost",
    chainId: Number(await network.provider.send("eth_chainId")),
    addresses: { ...fog.addresses, filler: await filler.getAddress() },
    firstBlock: 0,
  };
}
