import { getBytes, toBeHex, type TransactionReceipt } from "ethers";
import { ethers } from "hardhat";

/** What gas is spent on, in the order of the table, and what a row is called. */
export const PARTS = {
  baseAndCalldata: "base and calldata",
  coldAccounts: "cold accounts (2,600)",
  coldSlots: "cold slots (2,100)",
  writtenSlots: "slots written, not new (2,900)",
  newSlots: "new slots (20,000)",
  warm: "warm reads, writes and calls (100)",
  events: "events",
  signatures: "signatures (3,000)",
  hashing: "hashing, reentrancy guard",
  computation: "computation, memory, decoding",
  refund: "refund",
} as const;

export type Part = keyof typeof PARTS;

/** Gas by what it is spent on; the refund is negative. */
export type Breakdown = Record<Part, number>;

/** One step of the machine; the stack's words are 64 hex digits, the top is last. */
interface TraceStep {
  op: string;
  depth: number;
  gas: number;
  gasCost: number;
  stack: string[];
}

const TRANSACTION_BASE = 21_000;
const ZERO_BYTE = 4;
const NONZERO_BYTE = 16;
const COLD_ACCOUNT = 2_600;
const COLD_SLOT = 2_100;
const WARM = 100;
const WRITTEN_SLOT = 2_900;
const NEW_SLOT = 20_000;
const SIGNATURE = 3_000;
const CLEARING_REFUND = 4_800;

/** A refund is at most this part of what was spent. */
const REFUND_QUOTIENT = 5;

const ECRECOVER = toBeHex(1, 20);
const LAST_PRECOMPILE = 0x100n;

/** Where these have the address of the account that they touch, counted from the top of the stack. */
const ACCOUNT_AT: Readonly<Record<string, number>> = {
  BALANCE: 0,
  EXTCODECOPY: 0,
  EXTCODEHASH: 0,
  EXTCODESIZE: 0,
  CALL: 1,
  CALLCODE: 1,
  DELEGATECALL: 1,
  STATICCALL: 1,
};

/**
 * What a mined transaction's gas was spent on, opcode by opcode as its trace has it. Prices are those of EIP-2929,
 * EIP-2200 and EIP-3529, and refunds are counted again from what its slots held before.
 * @throws Error when the parts do not add up to the receipt's gas
 */
export async function breakdownOf(receipt: TransactionReceipt): Promise<Breakdown> {
  const { data } = await receipt.getTransaction();
  const options = { disableMemory: true, disableStorage: true };
  const trace: unknown = await ethers.provider.send("debug_traceTransaction", [receipt.hash, options]);
  const { structLogs: steps } = trace as { structLogs: TraceStep[] };

  const parts = Object.fromEntries(Object.keys(PARTS).map((part) => [part, 0])) as Breakdown;
  parts.baseAndCalldata = intrinsicGas(data);
  const accessed = new Set([receipt.from, receipt.to].map((account) => account?.toLowerCase()));
  const refunds = new Refunds(receipt.blockNumber - 1);
  const frames = [(receipt.to ?? "").toLowerCase()];
  for (const [i, step] of steps.entries()) {
    frames.length = step.depth;
    const frame = frames[step.depth - 1];
    for (const [part, gas] of spending(step, ownCost(steps, i), accessed)) parts[part] += gas;
    if (step.op === "SSTORE") await refunds.write(frame, word(step, 0), word(step, 1));
    if (i + 1 < steps.length && steps[i + 1].depth > step.depth) {
      frames.push(step.op === "DELEGATECALL" ? frame : account(step));
    }
  }
  parts.refund -= Math.min(refunds.sum, Math.floor(sum(parts) / REFUND_QUOTIENT));

  if (sum(parts) !== Number(receipt.gasUsed)) {
    throw new Error(`The parts of ${receipt.hash} are ${sum(parts)} gas, the receipt says ${receipt.gasUsed}`);
  }
  return parts;
}

export function sum(parts: Breakdown): number {
  return Object.values(parts).reduce((total, gas) => total + gas, 0);
}

function intrinsicGas(data: string): number {
  return getBytes(data).reduce((gas, byte) => gas + (byte === 0 ? ZERO_BYTE : NONZERO_BYTE), TRANSACTION_BASE);
}

/** Returns the cost of a step by itself; of a call, without what the called code spends. */
function ownCost(steps: readonly TraceStep[], i: number): number {
  const step = steps[i];
  if (i + 1 === steps.length || steps[i + 1].depth < step.depth) return step.gasCost;
  let next = i + 1;
  while (steps[next].depth > step.depth) ++next;
  const spent = step.gas - steps[next].gas;
  if (next === i + 1) return spent;
  const last = steps[next - 1];
  return spent - (steps[i + 1].gas - last.gas + last.gasCost);
}

function spending(step: TraceStep, cost: number, accessed: Set<string | undefined>): [Part, number][] {
  const { op } = step;
  if (op === "SLOAD") return [cost === COLD_SLOT ? ["coldSlots", cost] : ["warm", cost]];
  if (op === "SSTORE") return writing(cost);
  if (op in ACCOUNT_AT) return touching(step, cost, accessed);
  if (op.startsWith("LOG")) return [["events", cost]];
  if (["KECCAK256", "TLOAD", "TSTORE"].includes(op)) return [["hashing", cost]];
  return [["computation", cost]];
}

function writing(cost: number): [Part, number][] {
  const isCold = [NEW_SLOT, WRITTEN_SLOT, WARM].includes(cost - COLD_SLOT);
  const write = isCold ? cost - COLD_SLOT : cost;
  const part = write === NEW_SLOT ? "newSlots" : write === WRITTEN_SLOT ? "writtenSlots" : "warm";
  return [
    ["coldSlots", cost - write],
    [part, write],
  ];
}

function touching(step: TraceStep, cost: number, accessed: Set<string | undefined>): [Part, number][] {
  const touched = account(step);
  const isCold = BigInt(touched) > LAST_PRECOMPILE && !accessed.has(touched);
  accessed.add(touched);
  const access = isCold ? COLD_ACCOUNT : WARM;
  const signature = touched === ECRECOVER ? SIGNATURE : 0;
  return [
    [isCold ? "coldAccounts" : "warm", access],
    ["signatures", signature],
    ["computation", cost - access - signature],
  ];
}

function account(step: TraceStep): string {
  return toBeHex(word(step, ACCOUNT_AT[step.op]) & (2n ** 160n - 1n), 20);
}

function word({ stack }: TraceStep, fromTop: number): bigint {
  return BigInt(`0x${stack[stack.length - 1 - fromTop]}`);
}

/** Counts the refunds of one transaction, by EIP-3529. */
class Refunds {
  sum = 0;

  private readonly slots = new Map<string, { original: bigint; current: bigint }>();

  /** @param before the block before the transaction, which is alone in its own */
  constructor(private readonly before: number) {}

  async write(contract: string, slot: bigint, value: bigint): Promise<void> {
    const key = `${contract} ${slot}`;
    let held = this.slots.get(key);
    if (held === undefined) {
      const original = BigInt(await ethers.provider.getStorage(contract, slot, this.before));
      held = { original, current: original };
    }
    const { original, current } = held;
    this.slots.set(key, { original, current: value });

    if (value === current) return;
    if (original !== 0n && current === 0n) this.sum -= CLEARING_REFUND;
    if (original !== 0n && value === 0n) this.sum += CLEARING_REFUND;
    if (current !== original && value === original) this.sum += (original === 0n ? NEW_SLOT : WRITTEN_SLOT) - WARM;
  }
}
