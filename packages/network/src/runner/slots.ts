import { chmod, chown, mkdir, readdir } from "node:fs/promises";
import path from "node:path";

import { TuringFogError } from "@turingfog/sdk";
import type { Runner as Offer } from "@turingfog/sdk/wire";

import { INPUT, OUTPUT } from "./runner.js";

/** An account of the machine. */
export interface Account {
  uid: number;
  gid: number;
}

/** Thrown when a job fills a runner's slots otherwise than its owner allows. */
export class SlotRefusedError extends TuringFogError {
  constructor(
    readonly runner: string,
    readonly slot: string,
    reason: string,
  ) {
    super(`Runner ${runner}, slot ${slot}: ${reason}`);
  }
}

/** The slots of every job for the built-in trainer, whose patterns no document could have. */
const TRAINING_SLOTS: Offer["slots"] = { PLAN: "[ -~]{1,9999}", SHARDS: "[0-9]{1,4}", LEAST: "[0-9]{1,3}" };

/**
 * Checks that a job fills exactly the slots of a runner, each as the owner's pattern has it.
 * @throws SlotRefusedError
 */
export function checkSlots({ kind, name: runner, slots: own }: Offer, slots: Readonly<Record<string, string>>): void {
  const offer = { name: runner, slots: kind === "training" ? TRAINING_SLOTS : own };
  const names = new Set([...Object.keys(offer.slots), ...Object.keys(slots)]);
  for (const name of names) {
    const refuse = (reason: string) => {
      throw new SlotRefusedError(offer.name, name, reason);
    };
    if (!Object.hasOwn(offer.slots, name))
      refuse(`there is none; it has ${Object.keys(offer.slots).join(", ") || "none"}`);
    if (!Object.hasOwn(slots, name)) refuse(`is not filled, expected ${offer.slots[name]}`);
    if (!new RegExp(`^${offer.slots[name]}$`, "u").test(slots[name])) {
      refuse(`is ${JSON.stringify(slots[name].slice(0, 100))}, expected ${offer.slots[name]}`);
    }
    // a pattern of single characters cannot tell a name from a way out of the folder
    if (slots[name].split(/[/=:,\s]/).includes("..")) refuse("leads out of the folder with ..");
  }
}

/** Puts values for `{NAME}`; a value is never looked through again. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (Object.hasOwn(values, name) ? values[name] : whole));
}

/**
 * Fills the arguments of a program.
 * @throws SlotRefusedError if the program would read a value as an option
 */
export function fillArgs(runner: string, args: readonly string[], values: Readonly<Record<string, string>>): string[] {
  return args.map((arg) => {
    const value = fill(arg, values);
    if (value.startsWith("-") && !arg.startsWith("-")) {
      throw new SlotRefusedError(runner, arg, `would be read as an option, "${value.slice(0, 100)}"`);
    }
    return value;
  });
}

/** Fills the values of an environment. */
export function fillValues(
  texts: Readonly<Record<string, string>>,
  values: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, fill(text, values)]));
}

/** Makes the folder that a run delivers in; gives it and what it works on to its account, if it has one. */
export async function makeFolders(
  folder: string,
  user: Account | undefined,
): Promise<{ input: string; output: string }> {
  const [input, output] = [path.join(folder, INPUT), path.join(folder, OUTPUT)];
  await mkdir(output, { recursive: true, mode: 0o700 });
  if (user !== undefined) await giveTo(user, folder, [input, output]);
  return { input, output };
}

/** Gives folders to another account, and lets it pass through the folder that they are in without seeing what is in it. */
async function giveTo({ uid, gid }: Account, folder: string, folders: string[]): Promise<void> {
  await chmod(folder, 0o711);
  for (const each of folders) {
    const entries = await readdir(each, { recursive: true, withFileTypes: true });
    for (const entry of entries) await chown(path.join(entry.parentPath, entry.name), uid, gid);
    await chown(each, uid, gid);
  }
}
