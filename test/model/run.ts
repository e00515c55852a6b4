import { type Interface, type LogDescription } from "ethers";

import { resolve, timeOf } from "./resolve";
import { describe, type Command, type GivenId } from "./resolve/context";
import { Skip } from "./reference/escrow";
import { checkSupply } from "./reference/supply";
import { Refused, type ContractName, type Event, type Outcome, type Value, type World } from "./reference/world";
import type { Step } from "./steps";
import type { ChainOutcome, System } from "./system";
import { count, type Tally } from "./tally";
import { allViews, timedViews, type View, type Word } from "./views";

/** Where the model and the system part. */
export class Disagreement extends Error {
  constructor(
    /** Of the step in its sequence. */
    readonly index: number,
    /** The commands until then. */
    readonly lines: readonly string[],
    readonly differences: readonly string[],
  ) {
    super([...lines, ...differences.map((difference) => `  ${difference}`)].join("\n"));
  }
}

/** Lives with the model and the system at once, and compares them after each step. */
export class Runner {
  private readonly lines: string[] = [];

  constructor(
    private readonly system: System,
    readonly world: World,
    private readonly tally: Tally,
  ) {}

  /** @throws Disagreement */
  async run(steps: readonly Step[]): Promise<void> {
    for (const [index, { when, action }] of steps.entries()) {
      const at = timeOf(this.world, when);
      const command = await resolve({ world: this.world, system: this.system, at }, action);
      const text = command === null ? "wait" : describe(this.system, command);
      this.lines.push(`${index}. at ${at}, ${text}`);
      const differences = await this.step(command, at, action.do);
      if (differences.length > 0) throw new Disagreement(index, this.lines, differences);
    }
  }

  private async step(command: Command | null, at: bigint, kind: string): Promise<string[]> {
    const chain = command === null ? await this.system.mine(at) : await this.send(command, at);
    const model = this.foresee(command, at, chain);
    if (typeof model === "string") return [model];

    this.tally.commands += 1;
    const isRefused = "refused" in model;
    count(this.tally.outcomes, isRefused ? `${kind}: ${model.refused.error}` : kind);
    if (isRefused) this.tally.refused += 1;
    for (const { name, args } of isRefused ? [] : model.events) {
      count(this.tally.events, name === "ReceiptSkipped" ? `${name}: ${Skip[Number(args[2])]}` : name);
    }

    const differences = isRefused ? this.compareRevert(model.refused, chain) : this.compareEvents(model.events, chain);
    if (differences.length > 0) return differences;
    // what reverts changes nothing, so only what changes with time is read again
    return this.compareViews([...(isRefused ? timedViews(this.world) : allViews(this.world, this.system.watched))]);
  }

  /** What the model makes of a command, or why it cannot go on. */
  private foresee(command: Command | null, at: bigint, chain: ChainOutcome): Outcome | string {
    try {
      const outcome = this.world.attempt(at, (world) => {
        command?.apply(world, givenIds(this.system, world, command, chain));
      });
      checkSupply(this.world);
      return outcome;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  private send({ from, contract, method, args }: Command, at: bigint): Promise<ChainOutcome> {
    const data = this.system.interfaces[contract].encodeFunctionData(method, args);
    return this.system.send(from, this.system.setting.addresses[contract], data, at);
  }

  private compareRevert(expected: Refused, chain: ChainOutcome): string[] {
    const data = this.encodeError(expected);
    this.tally.compared += data.length >> 6;
    if ("logs" in chain) return [`The model refuses with ${expected.message}, the system accepts`];
    return chain.revert === data
      ? []
      : [`The model refuses with ${expected.message}, the system with ${this.nameError(chain.revert)}`];
  }

  private compareEvents(expected: readonly Event[], chain: ChainOutcome): string[] {
    if ("revert" in chain) return [`The model accepts, the system refuses with ${this.nameError(chain.revert)}`];
    const emitted = readEvents(this.system, chain).map(write).sort();
    const foreseen = expected.map(write).sort();
    this.tally.compared += foreseen.length + expected.reduce((count, { args }) => count + args.length, 0);
    return [
      ...foreseen.filter((event) => !emitted.includes(event)).map((event) => `The system does not emit ${event}`),
      ...emitted.filter((event) => !foreseen.includes(event)).map((event) => `The model does not emit ${event}`),
      ...(emitted.length === foreseen.length
        ? []
        : [`The system emits ${emitted.length} events, the model ${foreseen.length}`]),
    ];
  }

  private async compareViews(views: readonly View[]): Promise<string[]> {
    const { addresses } = this.system.setting;
    const calls = views.map((view) => ({ to: addresses[view.contract], data: this.system.encodeView(view) }));
    const results = await this.system.read(calls);
    const differences: string[] = [];
    views.forEach((view, i) => {
      const { success, data } = results[i];
      const { expected } = view;
      if (expected instanceof Refused) {
        this.tally.compared += 1;
        if (success || data !== this.encodeError(expected)) differences.push(this.differ(view, success, data));
        return;
      }
      this.tally.compared += expected.length;
      if (!success || !isWords(data, expected)) differences.push(this.differ(view, success, data));
    });
    return differences;
  }

  private encodeError({ contract, error, args }: Refused): string {
    return this.system.interfaces[contract].encodeErrorResult(error, args);
  }

  private differ({ contract, method, args, expected }: View, success: boolean, data: string): string {
    const named = `${contract}.${method}(${args.map((arg) => this.system.nameOf(String(arg))).join(", ")})`;
    const foreseen = expected instanceof Refused ? expected.message : `[${expected.map(writeWord).join(", ")}]`;
    const words = data.slice(2).match(/.{64}/g) ?? [];
    const actual = success ? `[${words.map((word) => BigInt(`0x${word}`)).join(", ")}]` : this.nameError(data);
    return `${named} is ${actual}, foreseen is ${foreseen}`;
  }

  private nameError(data: string): string {
    for (const contract of Object.values(this.system.interfaces)) {
      const parsed = contract.parseError(data);
      if (parsed !== null) return `${parsed.name}(${parsed.args.map(String).join(", ")})`;
    }
    return data;
  }
}

/** Ids as the chain has given them out; where it has refused, ids that are nobody's. */
function givenIds(system: System, world: World, { args }: Command, chain: ChainOutcome): GivenId {
  return (event) => {
    const found = "logs" in chain ? readEvents(system, chain).find(({ name }) => name === event) : undefined;
    if (found !== undefined) return found.args[0] as bigint;
    if (event === "NodeRegistered") return 2n ** 255n;
    const { asset } = args[0] as { asset: string };
    return ((world.state.assets.get(asset)?.index ?? 0n) << 40n) | (2n ** 40n - 1n);
  };
}

/** Transfers and approvals of tokens show in balances, owners and allowances. */
const SHOWN_ELSEWHERE = ["Transfer", "Approval"];

function readEvents(system: System, { logs }: Extract<ChainOutcome, { logs: unknown }>): Event[] {
  const { addresses } = system.setting;
  const names = Object.keys(addresses) as ContractName[];
  return logs.flatMap(({ address, topics, data }): Event[] => {
    const contract = names.find((name) => addresses[name].toLowerCase() === address.toLowerCase());
    if (contract === undefined) throw new Error(`${address} has emitted an event`);
    const parsed = parseLog(system.interfaces[contract], topics, data);
    if (SHOWN_ELSEWHERE.includes(parsed.name)) return [];
    return [{ contract, name: parsed.name, args: parsed.args.toArray() as Value[] }];
  });
}

function parseLog(contract: Interface, topics: string[], data: string): LogDescription {
  const parsed = contract.parseLog({ topics, data });
  if (parsed === null) throw new Error(`An event with topic ${topics[0]} is not in the interface`);
  return parsed;
}

function write({ contract, name, args }: Event): string {
  const writeArg = (arg: Value): string => (Array.isArray(arg) ? `[${arg.map(writeArg).join(", ")}]` : String(arg));
  return `${contract}.${name}(${args.map(writeArg).join(", ")})`;
}

function isWords(data: string, expected: readonly Word[]): boolean {
  if (data.length !== 2 + 64 * expected.length) return false;
  return expected.every((word, i) => {
    const actual = BigInt(`0x${data.slice(2 + 64 * i, 66 + 64 * i)}`);
    return typeof word === "bigint" ? actual === word : word.min <= actual && actual <= word.max;
  });
}

function writeWord(word: Word): string {
  return typeof word === "bigint" ? String(word) : `${word.min} to ${word.max}`;
}
