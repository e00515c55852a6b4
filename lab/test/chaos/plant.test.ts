import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";

import { expect } from "chai";

const ROOT = path.join(__dirname, "../../..");

interface Result {
  killed: number;
  lost: number;
  doublePaid: number;
}

/** Runs the harness to its end. */
async function network(...args: string[]): Promise<{ code: number; output: string; result: Result }> {
  const command = [require.resolve("ts-node/dist/bin"), "--transpile-only", "lab/network.ts", "--seed", "1", ...args];
  const child = spawn(process.execPath, command, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part: Buffer) => (output += part.toString()));
  const [code] = (await once(child, "close")) as [number];
  const line = output.split("\n").find((each) => each.startsWith("{"));
  expect(line, output).to.be.a("string");
  return { code, output, result: JSON.parse(line as string) as Result };
}

describe("npm run network [slow]", () => {
  it("ends with 1 and names what is lost and who was paid twice, if both are planted", async () => {
    const { code, output, result } = await network("--chaos", "1", "--plant");
    expect(code, output).to.equal(1);
    expect(output).to.match(/^lost: order \d+, node \d+: \d+ TU were worked, 0 are settled$/m);
    expect(output).to.match(/^paid twice: 0x[0-9a-fA-F]{40} was rewarded \d+, expected \d+$/m);
    expect(result).to.include({ killed: 1, lost: 1, doublePaid: 1 });
  });
});
