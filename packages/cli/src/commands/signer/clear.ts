import { Option } from "@commander-js/extra-typings";
import {
  clearNode,
  clearRoot,
  type FileName,
  readConfig,
  type RootClearing,
  type SignedFile,
  signerConfig,
} from "@turingfog/network";
import { formatInstant } from "@turingfog/sdk";

import { ends, newCommand, UsageError } from "../../lib/command.js";
import { readNodeId } from "../../lib/nodeId.js";
import { type Output, outputOf } from "../../lib/output.js";
import { CONFIG } from "./run.js";

export const command = newCommand({
  description: `Lets a signer go on, after a person has looked into what stopped a part of it.

The signer may be running. Ends with 1 if nothing was cleared, and says what this signer knows of the root.

--json prints {cleared, said}, and of a root also {named, open, seen}: the signed files that were meant, those whose veto is not
cleared, and the last final block that the signer has read.`,
  examples: [
    "turingfog signer clear --config signer/signer.json5 --node 7",
    "turingfog signer clear --config signer/signer.json5 --root 0x5c…e1",
  ],
})
  .addOption(CONFIG)
  .addOption(
    new Option(
      "--root <ROOT>",
      "vetoed root, data hash of its file, or number of its interval: its receipts may be signed again",
    ).conflicts("node"),
  )
  .option("--node <ID>", "node that signed two readings of one sequence: its readings are taken again")
  .action(async (values) => ends(await clear(values, outputOf(values))));

interface Values {
  config: string;
  root?: string;
  node?: string;
}

async function clear({ config: file, root, node }: Values, output: Output): Promise<number> {
  if (root === undefined && node === undefined) throw new UsageError("Give one of --root and --node; see --help");
  if (root !== undefined) {
    const name = readName(root);
    const { isCleared: cleared, ...clearing } = await clearRoot(await readConfig(file, signerConfig), name);
    const said = describe({ isCleared: cleared, ...clearing }, root);
    output.result({ cleared, said, ...clearing }, said);
    return cleared ? 0 : 1;
  }
  const nodeId = readNodeId(node ?? "");
  const cleared = await clearNode(await readConfig(file, signerConfig), nodeId);
  const said = cleared
    ? `Node ${nodeId} is cleared here. Next: the same on every other signer`
    : `Node ${nodeId} is not stopped here: nothing was changed. A signer whose log says stopped-node of it has to clear it`;
  output.result({ cleared, said }, said);
  return cleared ? 0 : 1;
}

/** @throws UsageError */
function readName(text: string): FileName {
  if (/^0x[0-9a-f]{64}$/i.test(text)) return { hash: text.toLowerCase() };
  if (/^\d{1,10}$/.test(text)) return { interval: BigInt(text) };
  throw new UsageError(
    `--root is ${text}, must be a root or a data hash, 0x and 64 hex digits, or the number of an interval`,
  );
}

/** Says what came of clearing a root, what the signer knows of it, and what to do next. */
function describe({ isCleared, named, open, seen }: RootClearing, text: string): string {
  if (isCleared) return `The veto of ${nameOf(named[0])} is cleared here. Next: the same on every other signer`;
  const until =
    seen === undefined ? "it has read no block yet" : `up to block ${seen.block}, ${formatInstant(seen.time)}`;
  const others =
    open.length === 0 ? "no veto is left to clear here" : `vetoed and not cleared: ${open.map(nameOf).join("; ")}`;
  const vetoed = named.filter(({ veto }) => veto === "open");
  if (vetoed.length > 1) {
    return `Interval ${text} has ${vetoed.length} vetoed roots: name one of ${vetoed.map(nameOf).join("; ")}`;
  }
  if (named.length === 0) {
    return `This signer has signed no file of ${text} (${until}), so that it holds nothing back for it; ${others}`;
  }
  const cleared = named.find(({ veto }) => veto === "cleared");
  if (cleared !== undefined) return `The veto of ${nameOf(cleared)} was cleared here before; ${others}`;
  return (
    `No veto of ${named.map(nameOf).join("; ")} was seen (${until}): nothing was changed. If it was vetoed, its block is not ` +
    `final yet: run this again once the signer's /health names it under vetoes; ${others}`
  );
}

function nameOf({ receiptsRoot, dataHash, interval }: SignedFile): string {
  return `root ${receiptsRoot} (data hash ${dataHash}, interval ${interval})`;
}
