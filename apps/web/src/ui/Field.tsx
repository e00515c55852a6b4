import { parseUnits } from "ethers";
import type { ReactNode } from "react";

/** An amount as it is typed, and in base units if it is one. */
export interface Typed {
  text: string;
  value?: bigint;
}

/** Reads an amount of whole units; nothing if it is none, or has more decimals than there are. */
export function typed(text: string, decimals: number): Typed {
  try {
    const value = parseUnits(text.trim(), decimals);
    return value > 0n ? { text, value } : { text };
  } catch {
    return { text };
  }
}

interface Props {
  name: string;
  value: string;
  onChange: (text: string) => void;
  /** Whether what is typed cannot be taken. */
  isWrong?: boolean;
  placeholder?: string;
  note?: ReactNode;
}

/** A field for a text, with its name above it. */
export function Field({ name, value, onChange, isWrong = false, placeholder, note }: Props) {
  return (
    <label className="field">
      <span data-known>{name}</span>
      <input
        value={value}
        placeholder={placeholder}
        spellCheck={false}
        autoComplete="off"
        aria-invalid={isWrong && value !== ""}
        onChange={({ target }) => onChange(target.value)}
      />
      {note !== undefined && <small>{note}</small>}
    </label>
  );
}
