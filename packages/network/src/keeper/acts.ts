import { max } from "@turingfog/sdk";
import { TuringFog } from "@turingfog/sdk/ethers";
import { getAddress } from "ethers";

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
    async *due({ contracts: { vault }, block }: Sight) {
      const owed = await vault.operationsOwed();
      if (owed < max(least, 1n)) return;
      yield {
        call: {
          description: `Pay operations, who are owed ${owed} at block ${block}`,
          to: await vault.getAddress(),
          data: vault.interface.encodeFunctionData("payOperations"),
        },
        isDone: async () => (await vault.operationsOwed()) < owed,
      };
    },
  };
}

/** Milliseconds between two searches of the logs for what can be claimed. */
const CLAIM_SEARCH = 3_600_000;

/** Claims for miners who have asked for it. */
export function claiming(book: Addresses, claims: KeeperConfig["claims"]): Act {
  let searchedAt = -Infinity;
  return {
    name: "claim",
    async *due({ contracts: { pool }, provider, block }: Sight) {
      if (performance.now() - searchedAt < CLAIM_SEARCH) return;
      const fog = new TuringFog(book.addresses, provider, { since: book.firstBlock ?? 0 });
      for (const { miner, least } of claims) {
        const ids = (await fog.claimableBuckets(miner)).map(({ id }) => id);
        const amount = await pool.claimable(miner, ids);
        if (amount < max(least, 1n)) continue;
        yield {
          call: {
            description: `Claim for ${getAddress(miner)} at block ${block}`,
            to: await pool.getAddress(),
            data: pool.interface.encodeFunctionData("claimFor", [miner, ids]),
          },
          isDone: async () => (await pool.claimable(miner, ids)) === 0n,
        };
      }
      searchedAt = performance.now();
    },
  };
}
