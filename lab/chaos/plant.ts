import { RootStatus } from "@turingfog/sdk";
import { TuringFog } from "@turingfog/sdk/ethers";
import { ReceiptTree } from "@turingfog/sdk/wire";
import { ethers, network } from "hardhat";

import type { Published } from "./published";
import type { World } from "./world";

/** TFT that are paid a second time. */
const PLANTED = 10n ** 18n;

/** Settles what is final, in the place of keepers, and leaves one order out. */
export async function settleAllBut(orderId: bigint, world: World, published: Published): Promise<void> {
  const { addresses, actors } = world.protocol;
  const fog = new TuringFog(addresses, actors.stranger);
  for (const { receiptsRoot, receipts } of published.files.values()) {
    if ((await published.status(receiptsRoot)) !== RootStatus.Final) continue;
    const tree = await ReceiptTree.of(receipts);
    const some = [...tree.receipts].filter((receipt) => receipt.orderId !== orderId);
    for (const asset of await world.assets())
      if (some.length > 0) await world.chain.alone(() => fog.settle(asset, tree, some));
  }
}

/** Has the reward pool pay somebody once more than it owes them. */
export async function payTwice({ protocol, chain }: World): Promise<void> {
  const { tft, pool } = protocol.contracts;
  const { treasury, miners } = protocol.actors;
  const address = await pool.getAddress();
  await network.provider.send("hardhat_setBalance", [address, "0xde0b6b3a7640000"]);
  const payer = await ethers.getImpersonatedSigner(address);
  await chain.alone(async () => {
    await tft.connect(treasury).transfer(address, PLANTED);
    await tft.connect(payer).transfer(miners[0], PLANTED);
  });
}
