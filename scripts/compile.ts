import { spawn } from "node:child_process";
import { once } from "node:events";

import { activity, exitWith } from "@turingfog/cli";
import { readHardhatBuild, writeBuild } from "@turingfog/operator";

// Compiles the contracts, and packs them into the operator package, whose commands deploy and verify them.
async function compile(): Promise<number> {
  activity.begin("Compiling the contracts", "the first time takes some minutes");
  const hardhat = spawn(process.execPath, [require.resolve("hardhat/internal/cli/bootstrap"), "compile", "--quiet"], {
    stdio: "inherit",
  });
  const [code] = (await once(hardhat, "exit")) as [number | null];
  if (code !== 0) return code ?? 1;
  await writeBuild(await readHardhatBuild("artifacts"));
  return 0;
}

exitWith(compile().finally(() => activity.end()));
