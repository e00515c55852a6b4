import { Interface } from "ethers";

import { table } from "@turingfog/cli";
import { callers } from "./callers";
import type { Compilation, Compiled, StorageLayout } from "./compile";

/**
 * A contract as an auditor, an integrator and a client see it from outside: one fact a line, so that what changed is a
 * line gone and a line come.
 * @param size bytes of runtime code
 */
export function snapshotOf(contract: Compiled, size: number, compilation: Compilation): string {
  const sections = {
    "Runtime code": `  ${size} bytes`,
    Storage: storage(contract.layout),
    Callers: table(
      callers(contract, compilation).map(({ signature, role, error }) =>
        role === undefined ? [signature, "anyone"] : [signature, role, `else ${error}`],
      ),
    ),
    ABI: Interface.from(contract.abi)
      .format()
      .map((fragment) => `  ${fragment}`)
      .sort()
      .join("\n"),
  };
  const text = Object.entries(sections).map(([title, lines]) => `${title}\n${lines || "  none"}`);
  return [`${contract.name} (${contract.file})`, ...text].join("\n\n") + "\n";
}

/** Each variable and, below it, each member of a struct: slot, byte, size, name and type. */
function storage({ storage: variables, types }: StorageLayout): string {
  const row = (slot: string, offset: number, type: string, label: string) => {
    const { label: typeLabel, numberOfBytes } = types?.[type] ?? { label: type, numberOfBytes: "?" };
    return [`slot ${slot}`, `byte ${offset}`, `${numberOfBytes} bytes`, label, typeLabel];
  };
  const rows = variables.map(({ slot, offset, type, label }) => row(slot, offset, type, label));

  const structs = Object.values(types ?? {}).filter(({ members }) => members !== undefined);
  const members = structs.flatMap(({ label: struct, members: fields }) =>
    (fields ?? []).map(({ slot, offset, type, label }) => row(`+${slot}`, offset, type, `${struct}.${label}`)),
  );
  return table([...rows, ...members]);
}
