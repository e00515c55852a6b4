import { batchHead } from "./batch";
import { resolve, timeOf } from "./resolve";
import { describe, type Command } from "./resolve/context";
import { Skip } from "./reference/escrow";
import { checkSupply } from "./reference/supply";
import { Refused, type ContractName, type Event, type Outcome, type Value, type World } from "./reference/world";
import type { Action, ModelStep } from "./steps";
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
  /** What was done, written only when it is to be read. */
  private readonly lines: (() => string)[] = [];

  constructor(
    private readonly system: System,
    readonly world: World,
    private readonly tally: Tally,
  ) {}

  /** @throws Disagreement */
  async run(steps: readonly ModelStep[]): Promise<void> {
    for (const [index, { when, action }] of steps.entries()) {
      const at = timeOf(this.world, when);
      const command = await resolve({ world: this.world, system: this.system, at }, action);
      this.lines.push(() => `${index}. at ${at}, ${command === null ? "wait" : describe(this.system, command)}`);
      const differences = await this.step(command, at, kindOf(action));
      if (differences.length === 0) continue;
      throw new Disagreement(
        index,
        this.lines.map((write) => write()),
        differences,
      );
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
      count(this.tally.events, labelOf(name, args));
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
        command?.apply(world, newNodeId(this.system, chain));
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
    const foreseen = views.map(({ expected }) => this.encodeExpected(expected));
    const calls = views.map((view, i) => ({
      ...{ to: addresses[view.contract], data: this.system.encodeView(view) },
      length: foreseen[i].length / 2,
    }));
    const results = await this.system.readAll(calls);

    const differences: string[] = [];
    let at = 0;
    for (const [i, view] of views.entries()) {
      const { expected } = view;
      const head = batchHead(!(expected instanceof Refused), calls[i].length);
      const data = at + head.length;
      this.tally.compared += expected instanceof Refused ? 1 : expected.length;
      const isEqual = results.startsWith(head, at) && results.startsWith(foreseen[i], data);
      at = data + foreseen[i].length;
      if (isEqual || isWithin(view, results.slice(data - head.length, at), head)) continue;
      differences.push(this.differ(view, await this.system.read(calls[i])));
    }
    return differences;
  }

  private encodeExpected(expected: View["expected"]): string {
    if (expected instanceof Refused) return this.encodeError(expected).slice(2);
    return expected.map((word) => encodeWord(typeof word === "bigint" ? word : word.min)).join("");
  }

  /** All that errors carry is a word. */
  private encodeError({ contract, error, args }: Refused): string {
    return this.system.errorSelector(contract, error) + args.map((arg) => encodeWord(BigInt(arg as bigint))).join("");
  }

  private differ(
    { contract, method, args, expected }: View,
    { success, data }: { success: boolean; data: string },
  ): string {
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

function kindOf(action: Action): string {
  return action.do === "openOrder" ? `openOrder reusing ${action.reuse.of}` : action.do;
}

function labelOf(name: string, args: readonly Value[]): string {
  if (name.endsWith("Skipped")) return `${name}: ${Skip[Number(args.at(-1))]}`;
  const isInUsedPlace = name === "OrderOpened" && BigInt.asUintN(16, args[0] as bigint) > 1n;
  return isInUsedPlace ? `${name}: place taken over` : name;
}

/** The id that the chain has given a node; where it has given none, one that is nobody's. */
function newNodeId(system: System, chain: ChainOutcome): bigint {
  const emitted = "logs" in chain ? readEvents(system, chain) : [];
  const registered = emitted.find(({ name }) => name === "NodeRegistered");
  return (registered?.args[0] as bigint | undefined) ?? 2n ** 255n;
}

/** Transfers and approvals of tokens show in balances, owners and allowances. */
const SHOWN_ELSEWHERE = ["Transfer", "Approval"];

function readEvents(system: System, { logs }: Extract<ChainOutcome, { logs: unknown }>): Event[] {
  const { addresses } = system.setting;
  const names = Object.keys(addresses) as ContractName[];
  return logs.flatMap(({ address, topics, data }): Event[] => {
    const contract = names.find((name) => addresses[name].toLowerCase() === address.toLowerCase());
    if (contract === undefined) throw new Error(`${address} has emitted an event`);
    const fragment = system.eventAt(contract, topics[0]);
    if (SHOWN_ELSEWHERE.includes(fragment.name)) return [];
    const args = system.interfaces[contract].decodeEventLog(fragment, data, topics);
    return [{ contract, name: fragment.name, args: args.toArray() as Value[] }];
  });
}

function write({ contract, name, args }: Event): string {
  const writeArg = (arg: Value): string => (Array.isArray(arg) ? `[${arg.map(writeArg).join(", ")}]` : String(arg));
  return `${contract}.${name}(${args.map(writeArg).join(", ")})`;
}

/** Whether each word of a result is what it must be, or within its bounds. */
function isWithin({ expected }: View, result: string, head: string): boolean {
  if (expected instanceof Refused || !result.startsWith(head)) return false;
  return expected.every((word, i) => {
    const actual = BigInt(`0x${result.slice(head.length + 64 * i, head.length + 64 * (i + 1))}`);
    return typeof word === "bigint" ? actual === word : word.min <= actual && actual <= word.max;
  });
}

function encodeWord(word: bigint): string {
  return word.toString(16).padStart(64, "0");
}

function writeWord(word: Word): string {
  return typeof word === "bigint" ? String(word) : `${word.min} to ${word.max}`;
}
