import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";

import { type Connection, FileJournal, KeySender, latestBlock, SafeSender } from "@turingfog/operator";
import { formatInstant, min, RootStatus, TuringFogError } from "@turingfog/sdk";
import {
  type Addresses,
  checkGuardian,
  connectContracts,
  encodeGuardianAction,
  simulate,
  type SystemContracts,
} from "@turingfog/sdk/ethers";
import { parseUnits, type Wallet } from "ethers";
import type { Logger } from "pino";

import type { RootFacts } from "../chain/index.js";
import { type Health, readKey, reasonOf, step } from "../runtime/index.js";
import type { Alarms } from "./alarms.js";
import type { GuardianConfig, WatchConfig } from "./config.js";
import { aboutRoot } from "./roots.js";

export const VETO_STEPS = ["watch.veto.before-send", "watch.veto.sent", "watch.veto.written"] as const;

/** Thrown when vetoes are asked for, and nobody is named who can. */
export class NoGuardianError extends TuringFogError {
  constructor() {
    super("--veto needs a guardian: set guardian: { key: FILE } or guardian: { safe: FOLDER } in the configuration");
  }
}

/** Why a root is to be vetoed: what contradicts it, or that its file is not to be had. */
export type Ground = "contradiction" | "no-file";

/** The last seconds of a window, in which a root without a file is vetoed: an hour, or a quarter of a short one. */
const LAST = 3_600n;
const QUARTER = 4n;

export interface VetoesOptions {
  guardian: GuardianConfig;
  /** Undefined for a Safe. */
  key?: Wallet;
  book: Addresses;
  connect: () => Promise<Connection>;
  alarms: Alarms;
  log: Logger;
  health: Health;
}

/** Acts as the guardian. */
export class Vetoes {
  private constructor(private readonly options: VetoesOptions) {}

  /** @throws NoGuardianError, KeyFileError, MalformedKeyError, KeystoreError */
  static async open({ guardian }: WatchConfig, options: Omit<VetoesOptions, "guardian" | "key">): Promise<Vetoes> {
    if (guardian === undefined) throw new NoGuardianError();
    const key = "key" in guardian ? await readKey(guardian.key) : undefined;
    return new Vetoes({ ...options, guardian, key });
  }

  /** Says whether the key is the guardian's, before it is needed. */
  async check(): Promise<void> {
    const { key, health, connect, book } = this.options;
    if (key === undefined) return;
    try {
      const { oracle } = connectContracts(book.addresses, (await connect()).provider);
      await checkGuardian(oracle, key.address);
      health.report("veto", "ok");
    } catch (error) {
      health.report("veto", "failed", reasonOf(error));
    }
  }

  /** Vetoes a root, if it is still pending and, without a file, its time is all but over. */
  async veto(root: RootFacts, ground: Ground): Promise<void> {
    const { alarms, connect, book, health } = this.options;
    const { receiptsRoot, submittedAt } = root;
    try {
      const connection = await connect();
      const contracts = connectContracts(book.addresses, connection.provider);
      const [status, finalAt] = await contracts.oracle.status(receiptsRoot);
      if (status !== BigInt(RootStatus.Pending)) return;
      const { timestamp } = await latestBlock(connection.provider);
      const last = min(LAST, (finalAt - submittedAt) / QUARTER);
      if (ground === "no-file" && BigInt(timestamp) < finalAt - last) return;
      const why = ground === "no-file" ? "its file cannot be had" : "it contradicts the chain";
      const { alarm, how } = await this.send(connection, contracts, root);
      await alarms.raise({
        ...aboutRoot(root, alarm),
        text: `Root ${receiptsRoot}, final at ${formatInstant(finalAt)}: ${how}, because ${why}`,
      });
      health.report("veto", "ok");
    } catch (error) {
      health.report("veto", "waiting", reasonOf(error));
      const text = `Root ${receiptsRoot} is not vetoed yet, and is tried again: ${reasonOf(error)}`;
      await alarms.raise({ ...aboutRoot(root, "veto-failed"), text });
    }
  }

  /** Sends the veto, or writes it for a Safe's owners, unless that was done before. */
  private async send(
    connection: Connection,
    contracts: SystemContracts,
    { receiptsRoot }: RootFacts,
  ): Promise<{ alarm: "vetoed" | "veto-to-sign"; how: string }> {
    const { guardian, key, log } = this.options;
    const { oracle } = contracts;
    const { provider, chainId } = connection;
    const description = `Veto root ${receiptsRoot}`;
    const action = await encodeGuardianAction(contracts, { kind: "veto", receiptsRoot });
    const call = { description, ...action };
    const isVetoed = async () => (await oracle.status(receiptsRoot))[0] === BigInt(RootStatus.Vetoed);
    if (!("key" in guardian) || key === undefined) {
      const folder = (guardian as { safe: string }).safe;
      const file = path.join(folder, `veto-${receiptsRoot}.json`);
      const toSign = { alarm: "veto-to-sign", how: `the Safe's owners must sign ${file}` } as const;
      if (existsSync(file)) return toSign;
      await simulate(provider, await oracle.guardian(), call);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await new SafeSender(file, chainId, `TuringFog: ${description}`).submit([call]);
      step("watch.veto.written");
      return toSign;
    }
    await checkGuardian(oracle, key.address);
    const sender = new KeySender(key.connect(provider), connection, {
      maxFeePerGas: guardian.maxFeeGwei === undefined ? undefined : parseUnits(String(guardian.maxFeeGwei), "gwei"),
      journal: await FileJournal.open(guardian.journal, chainId, await oracle.getAddress()),
      say: (line) => log.info({ receiptsRoot }, line),
    });
    step("watch.veto.before-send");
    await sender.submit([call], isVetoed);
    step("watch.veto.sent");
    return { alarm: "vetoed", how: "vetoed" };
  }
}
