import { max } from "@turingfog/sdk";
import { TuringFog } from "@turingfog/sdk/ethers";
import { getAddress, keccak256 } from "ethers";

import type { Addresses } from "@turingfog/sdk/ethers";
import { type Act, isTaken, type Sight, unlessRefused } from "./act.js";
import type { KeeperConfig } from "./config.js";

/** Burns the TFT of the closed round, so that the next one can close. */
export const burning: Act = {
  name: "burn",
  async *due({ contracts: { controller, pool, tft } }: Sight) {
    const asset = await tft.getAddress();
    const { round } = await pool.closedRound(asset);
    if (round === 0n) return;
    yield {
      call: {
        description: `Burn the TFT of round ${round}`,
        to: await controller.getAddress(),
        data: controller.interface.encodeFunctionData("burn", [round]),
      },
      isDone: async () => (await pool.closedRound(asset)).round !== round,
    };
  },
};

/** Writes off lots that nobody has bought in time. */
export const writingOff: Act = {
  name: "writeOff",
  async *due(sight: Sight) {
    const { controller, tft } = sight.contracts;
    const ours = (await tft.getAddress()).toLowerCase();
    for (const asset of sight.facts.assets()) {
      if (asset === ours) continue;
      const lot = await unlessRefused(controller.lot(asset));
      if (lot === undefined || lot.remaining === 0n) continue;
      const { round } = lot;
      const call = {
        description: `Write off the lot of round ${round} in ${getAddress(asset)}`,
        to: await controller.getAddress(),
        data: controller.interface.encodeFunctionData("writeOff", [asset, round]),
      };
      if (!(await isTaken(sight, call))) continue;
      const isDone = async () => (await unlessRefused(controller.lot(asset)))?.round !== round;
      yield { call, isDone };
    }
  },
};

/** Closes orders whose rest can be refunded. Those of contracts are theirs to close. */
export const closing: Act = {
  name: "close",
  async *due(sight: Sight) {
    const { escrow } = sight.contracts;
    const grace = await escrow.GRACE();
    for (const { orderId, endsAt } of sight.facts.openOrders()) {
      if (endsAt + grace > sight.now) continue;
      const call = {
        description: `Close order ${orderId}`,
        to: await escrow.getAddress(),
        data: escrow.interface.encodeFunctionData("close", [orderId]),
      };
      if (!(await isTaken(sight, call))) continue;
      yield { call, isDone: async () => (await unlessRefused(escrow.refundable(orderId))) === undefined };
    }
  },
};

/** Pays what the vault owes to the operations' treasury. */
export function payingOperations({ least }: NonNullable<KeeperConfig["operations"]>): Act {
  return {
    name: "operations",
    async *due({ contracts: { vault } }: Sight) {
      const [owed, released] = await Promise.all([vault.operationsOwed(), vault.released()]);
      if (owed < max(least, 1n)) return;
      yield {
        call: {
          // what is released only rises, and each payment is of a later release
          description: `Pay operations, who are owed ${owed} of ${released} released`,
          to: await vault.getAddress(),
          data: vault.interface.encodeFunctionData("payOperations"),
        },
        isDone: async () => (await vault.operationsOwed()) < owed,
      };
    },
  };
}

/** Seconds between two searches of the logs for what can be claimed. */
const CLAIM_SEARCH = 3_600n;

/** Claims for miners who have asked for it. */
export function claiming(book: Addresses, claims: KeeperConfig["claims"]): Act {
  let searchedAt = 0n;
  const found = new Map<string, bigint[]>();
  return {
    name: "claim",
    async *due({ contracts: { pool }, provider, now }: Sight) {
      if (now - searchedAt >= CLAIM_SEARCH) {
        const fog = new TuringFog(book.addresses, provider, { since: book.firstBlock ?? 0 });
        for (const { miner, least } of claims) {
          const ids = (await fog.claimableBuckets(miner)).map(({ id }) => id);
          if ((await pool.claimable(miner, ids)) >= max(least, 1n)) found.set(miner, ids);
        }
        searchedAt = now;
      }
      for (const [miner, ids] of found) {
        const isDone = async () => (await pool.claimable(miner, ids)) === 0n;
        const data = pool.interface.encodeFunctionData("claimFor", [miner, ids]);
        // a bucket that was claimed is never claimable again
        const name = keccak256(data).slice(0, 10);
        const description = `Claim ${ids.length} buckets for ${getAddress(miner)} (${name})`;
        yield { call: { description, to: await pool.getAddress(), data }, isDone };
        if (await isDone()) found.delete(miner);
      }
    },
  };
}
