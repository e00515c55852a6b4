import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { RootStatus, TU } from "@turingfog/sdk";

import type { RpcFault } from "../chain";
import type { RoleName } from "../member";
import { type Act, type Cast, seen, withMember } from "./act";

/** Seconds that a clock is off. */
const OFF = 300;

/** Milliseconds for which a fault lasts at least, a member is late, and a backup grows old. */
const LASTS = 2_000;
const LATE = 8_000;
const AGE = 8_000;

/** A clock that is off by minutes. */
export function wrongClock(role: RoleName, isAhead: boolean): Act {
  return {
    name: `a ${role}'s clock ${isAhead ? "ahead" : "behind"}`,
    line: "machine",
    play: (cast) =>
      withMember(cast, role, async (member) => {
        const clockOff = isAhead ? OFF : -OFF;
        const waits = `${member.name}-waits-for-clock`;
        const turn = async () => {
          // who has nothing to sign does not look at the clock, and no relay takes one that is off
          if (role === "node") {
            member.tell({ clockOff: 0 });
            await order(cast, cast.world.agents.indexOf(member));
            await sleep(LATE / 2);
          }
          member.tell({ clockOff });
        };
        await seen(cast, [waits], turn).finally(() => member.tell({ clockOff: 0 }));
        return "it waited, and said so";
      }),
  };
}

/** A disk on which nothing more can be written. */
export function fullDisk(role: RoleName): Act {
  return {
    name: `a ${role}'s disk full`,
    line: "machine",
    play: (cast) =>
      withMember(cast, role, async (member) => {
        const fill = async () => {
          member.tell({ isDiskFull: true });
          await sleep(LASTS);
        };
        await seen(cast, [`${member.name}-waits-for-disk`], fill).finally(() => member.tell({ isDiskFull: false }));
        return "it waited, and said so";
      }),
  };
}

/** A node of the chain that misbehaves, while an order is opened of which it would have to tell. */
export function badNode(role: RoleName, fault: RpcFault): Act {
  return {
    name: `a ${role}'s node of the chain ${fault}`,
    line: "rpc",
    play: (cast) =>
      withMember(cast, role, async (member) => {
        const { world, random } = cast;
        world.chain.fault(member.name, fault);
        const misbehaves = async () => {
          if (fault === "empty") await order(cast, random.below(world.agents.length));
          await sleep(LASTS);
        };
        // whoever has not followed the chain for long sees that a node is behind by their clock alone
        const waits = `${member.name}-waits-for-chain|${member.name}-waits-for-clock`;
        // one that is slow gives right answers
        const played = fault === "slow" ? misbehaves() : seen(cast, [waits], misbehaves);
        await played.finally(() => world.chain.fault(member.name));
        return fault === "slow" ? "it went on" : "it waited, and said so";
      }),
  };
}

/** Orders something of an agent, once that is possible: nothing is while everything is frozen. */
async function order({ world, renter }: Cast, agent: number): Promise<void> {
  await world.until("An order", () => renter.rent({ agent, tuAmount: 10n * TU, seconds: 12 }));
}

/** A store that is put back to what it was. */
export function oldBackup(role: RoleName): Act {
  return {
    name: `a ${role}'s restored backup`,
    line: "killed",
    play: (cast) =>
      withMember(cast, role, async (member) => {
        const copy = path.join(cast.world.folder, `backup-${member.name}`);
        await member.kill();
        await member.backUp(copy);
        member.start();
        await sleep(AGE);
        await member.kill();
        await member.restore(copy);
        member.start();
        return "it took nothing back";
      }),
  };
}

/** A signer that stands still, and answers late. */
export const lateSigner: Act = {
  name: "a signer that answers late",
  line: "signer",
  play: (cast) =>
    withMember(cast, "signer", async (member) => {
      member.halt(true);
      try {
        const before = await cast.world.rootCount();
        await sleep(LATE);
        await cast.world.moreRoots(before);
      } finally {
        member.halt(false);
      }
      return "batches went on";
    }),
};

/** Two signers gone for more than an interval, so that there is no quorum. */
export const twoSignersGone: Act = {
  name: "two signers gone",
  line: "signers",
  async play(cast) {
    const { world } = cast;
    const before = await withMember(cast, "signer", (first) =>
      withMember(cast, "signer", async (second) => {
        await Promise.all([first.kill(), second.kill()]);
        // a root that had its signatures before is submitted still
        await sleep(2 * LATE);
        const count = await world.rootCount();
        await sleep(2 * LATE);
        const meanwhile = (await world.rootCount()) - count;
        for (const member of [first, second]) member.start();
        if (meanwhile > 0) throw new Error(`${meanwhile} roots were submitted without a quorum`);
        return count;
      }),
    );
    await world.moreRoots(before);
    return "no root was submitted until they were back, and the next one then";
  },
};

/** A reorganisation that undoes a root: its signers bring it to the chain again. */
export const reorganisation: Act = {
  name: "a reorganisation",
  line: "reorganisation",
  async play({ world }) {
    const { oracle } = world.protocol.contracts;
    const data = await world.chain.undoNext(await oracle.getAddress());
    const { receiptsRoot } = oracle.interface.parseTransaction({ data })?.args as unknown as { receiptsRoot: string };
    await world.until(`Root ${receiptsRoot} on the chain again`, async () => {
      const [status] = await oracle.status(receiptsRoot);
      return Number(status) === Number(RootStatus.Unknown) ? undefined : true;
    });
    return "the root that it undid was submitted again";
  },
};
