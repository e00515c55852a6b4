import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";

import { ends, main, newCommand, outputOf } from "@turingfog/cli";
import { marked } from "marked";

const ROOT = path.join(__dirname, "..");
const PAGE = path.join(ROOT, "docs/operators/local.md");

/** All that the page's commands write. */
const WRITTEN = ["local", "deployments/localhost.json"].map((name) => path.join(ROOT, name));

/** What the job must have made of the page's file, and what the owner must have of it. */
const WORDS = /^\s*6 hamlet\.txt$/m;
const CLAIMED = /and has claimed 0\.0[1-9]\d* TFT$/m;

/** Seconds in which all must be done. */
const PATIENCE = 1_200;

/** Returns the `sh` blocks of the page, one after the other. */
async function script(): Promise<string> {
  const tokens = marked.lexer(await readFile(PAGE, "utf8"));
  return tokens
    .flatMap((token) => (token.type === "code" && token.lang === "sh" ? [String(token.text)] : []))
    .join("\n");
}

async function run(say: (line: string) => void): Promise<number> {
  const left = WRITTEN.filter((name) => existsSync(name));
  if (left.length > 0) throw new Error(`${left.join(" and ")} are of another time: remove them first`);

  const since = performance.now();
  const bash = spawn("bash", ["-euo", "pipefail", "-c", await script()], {
    cwd: ROOT,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, TURINGFOG_KEYSTORE: "", TURINGFOG_PRIVATE_KEY: "" },
  });
  const end = () => endGroup(bash);
  process.once("exit", end);
  const patience = setTimeout(end, PATIENCE * 1_000);
  let all = "";
  for (const stream of [bash.stdout, bash.stderr]) {
    createInterface(stream).on("line", (line) => {
      all += `${line}\n`;
      say(`${String(Math.round((performance.now() - since) / 1_000)).padStart(4)} s  ${line}`);
    });
  }
  // what runs in the background holds the pipes open
  const code = await new Promise<number | null>((resolve) => bash.once("exit", resolve));
  clearTimeout(patience);
  end();
  process.removeListener("exit", end);

  const missing = [
    ...(WORDS.test(all) ? [] : ["The renter did not get the result"]),
    ...(CLAIMED.test(all) ? [] : ["The node's owner did not get the TFT"]),
    ...(code === 0
      ? []
      : [`The commands ended with ${code ?? `a signal, ${PATIENCE} s after they began`}; see local/*.log`]),
  ];
  missing.forEach(say);
  if (missing.length > 0) return 1;
  for (const name of WRITTEN) await rm(name, { recursive: true });
  say("All roles have done their part");
  return 0;
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // nothing runs any more
  }
}

main(
  newCommand({
    description: `Runs all commands of docs/operators/local.md: every role on one machine, in real time.

Ends with 0 if the renter has the result and the node's owner the TFT. If it does not, what each role has printed is in local/.`,
    examples: ["npm run local"],
  })
    .name("npm run local --")
    .action(async (values) => ends(await run((line) => outputOf(values).say(line)))),
);
