import { RootStatus } from "@turingfog/sdk";
import {
  BATCH_SIGNATURE,
  decodeReceiptFile,
  encodeReceiptFile,
  meterDomain,
  type MeteredReceipt,
  type Proposal,
  READING,
  receiptDataHash,
  ReceiptTree,
  ROOTS,
} from "@turingfog/sdk/wire";
import { hexlify, id, randomBytes, Wallet } from "ethers";

import { FalseSigner } from "../falseSigner";
import type { Meter } from "../meter";
import { CHAIN_ID, INTERVAL } from "../world";
import { type Act, type Cast, seen, withMember } from "./act";

/** Bytes that no file of so few orders has. */
const BOMB = 10n ** 12n;

/** Signers that must have challenged a node, so that one of them is there to refuse what goes beyond. */
const ENOUGH = 3;

/** Names under which receipts are refused that no meter bears out. */
const FALSE_RECEIPTS = ["over-rate", "held-back", "unknown-reading", "no-readings", "stopped-node"];

/** Names under which the rest is refused. */
const LIES = ["second-proposal", "too-large", "no-receipt-file", "other-file", "bad-signature", "bad-envelope"];

/** A signer that proposes what is not so, tells everybody something else, and sends files that never end. */
export const lyingSigner: Act = {
  name: "a signer that lies",
  line: "signer",
  async play(cast) {
    const before = await cast.world.rootCount();
    const all = Object.values(cast.meters);
    const areConfirmed = async () => all.every(({ confirmations }) => confirmations >= ENOUGH) || undefined;
    await cast.world.until("A challenge of all that was said", areConfirmed);
    await withMember(cast, "signer", async (member) => {
      await member.kill();
      const liar = await FalseSigner.open(cast.world, member);
      try {
        await lie(cast, liar);
        await replay(cast, liar);
      } finally {
        await liar.close();
        member.start();
      }
    });
    await cast.world.moreRoots(before);
    return `refused as ${[...FALSE_RECEIPTS, ...LIES].join(", ")}; batches went on`;
  },
};

async function lie(cast: Cast, liar: FalseSigner): Promise<void> {
  const places = new Places(cast);
  const serve = (dataHash: string, content: Uint8Array, isEndless = false) =>
    liar.files.set(dataHash, { content, isEndless });
  const receipts = falseReceipts(cast);
  const other = await proposalOf(encodeReceiptFile(receipts.slice(1)));

  await seen(cast, [...FALSE_RECEIPTS, "second-proposal"], async () => {
    // each time another file, because one that was refused is known
    const file = encodeReceiptFile(falseReceipts(cast));
    const first = { ...(await proposalOf(file)), ...(await places.next()) };
    serve(first.dataHash, file);
    await liar.announce(first);
    await liar.announce({ ...first, ...other });
  });
  await seen(cast, ["too-large"], async () => liar.announce({ ...other, ...(await places.next()), bytes: BOMB }));

  const file = encodeReceiptFile(receipts);
  const whole = await proposalOf(file);
  const [endless, another] = [id("endless"), id("another")];
  serve(endless, file, true);
  serve(another, file);
  await seen(cast, ["no-receipt-file"], async () =>
    liar.announce({ ...whole, ...(await places.next()), dataHash: endless }),
  );
  await seen(cast, ["other-file"], async () =>
    liar.announce({ ...whole, ...(await places.next()), dataHash: another }),
  );
}

type Place = Pick<Proposal, "interval" | "attempt">;

/** Intervals and attempts for which nothing was announced yet. */
class Places {
  private readonly used = new Set<string>();

  constructor(private readonly cast: Cast) {}

  next(): Promise<Place> {
    const { world } = this.cast;
    return world.until("An interval without a proposal", async () => {
      const interval = world.seconds / INTERVAL - 1n;
      const attempt = (["first", "repeat"] as const).find((each) => !this.used.has(`${interval} ${each}`));
      if (attempt === undefined) return undefined;
      this.used.add(`${interval} ${attempt}`);
      return { interval, attempt };
    });
  }
}

/** Sends one request twice, with a signature of nobody's. */
async function replay(cast: Cast, liar: FalseSigner): Promise<void> {
  const { world } = cast;
  const { oracle } = world.protocol.contracts;
  // one that was submitted, because a quorum has its file
  const submitted = async () => {
    for (const root of ROOTS.decode(await world.ask("/v1/roots?after=0")).roots) {
      const [status] = await oracle.status(root.receiptsRoot);
      if (Number(status) !== Number(RootStatus.Unknown)) return root;
    }
    return undefined;
  };
  const { receiptsRoot, dataHash } = await world.until("A submitted root", submitted);
  const signature = await Wallet.createRandom().signMessage(randomBytes(32));
  const body = BATCH_SIGNATURE.encode({
    ...{ receiptsRoot, dataHash, signature },
    signerSetVersion: await oracle.signerSetVersion(),
    signer: world.signers[0].address,
  });
  const names = ["bad-signature", "bad-envelope"];
  await seen(cast, names, () => liar.tell(`/v1/proposals/${dataHash}/signatures`, body, 2));
}

/** Returns receipts of what the cheats say, of what nobody has read, and of what nobody says. */
function falseReceipts({ world, meters }: Cast): MeteredReceipt[] {
  const { seller, withholder, worker, equivocator } = meters;
  const all = [seller, withholder, worker, equivocator].flatMap((meter) => receiptsOf(meter));
  const invented = { meterLogHash: hexlify(randomBytes(32)) };
  const [empty] = [...equivocator.orders]
    .filter(([, { readings }]) => readings.length === 0)
    .map(([orderId]) => orderId);
  const own = all.map((receipt) => (receipt.nodeId === worker.nodeId ? { ...receipt, ...invented } : receipt));
  const none = { ...all[0], ...invented, orderId: empty, nodeId: equivocator.nodeId };
  return [...own, none].sort((a, b) => Number(a.orderId - b.orderId || a.nodeId - b.nodeId));

  function receiptsOf({ nodeId, orders }: Meter): MeteredReceipt[] {
    const domain = meterDomain(CHAIN_ID, world.protocol.addresses.escrow);
    return [...orders].flatMap(([orderId, { readings }]) => {
      const last = readings.at(-1);
      if (last === undefined) return [];
      const { cumulativeTU, measuredAt } = last;
      return [{ orderId, nodeId, cumulativeTU, measuredAt, meterLogHash: READING.digest(domain, last) }];
    });
  }
}

async function proposalOf(file: Uint8Array): Promise<Omit<Proposal, keyof Place>> {
  const receipts = decodeReceiptFile(file);
  return {
    receiptsRoot: (await ReceiptTree.of(receipts)).root,
    dataHash: await receiptDataHash(file),
    bytes: BigInt(file.length),
    receipts: BigInt(receipts.length),
  };
}
