import { mock } from "node:test";

import { Activity } from "@turingfog/cli";
import { expect } from "chai";

/** Returns the plain lines of an activity whose clock is moved by hand, on a stderr that is no terminal. */
function linesOf(use: (activity: Activity, pass: (seconds: number) => void) => void): string[] {
  const lines: string[] = [];
  const { error } = console;
  const { isTTY } = process.stderr;
  mock.timers.enable({ apis: ["setInterval"] });
  const activity = new Activity();
  console.error = (line: string) => lines.push(line);
  process.stderr.isTTY = false;
  try {
    use(activity, (seconds) => {
      for (let i = 0; i < seconds; ++i) mock.timers.tick(1_000);
    });
  } finally {
    activity.end();
    console.error = error;
    process.stderr.isTTY = isTTY;
    mock.timers.reset();
  }
  return lines;
}

describe("the progress of a command, where there is no terminal", () => {
  it("says after five seconds, and then every ten, what takes so long, how far it is and for how long", () => {
    const lines = linesOf((activity, pass) => {
      activity.begin("Reading logs", "10 %");
      pass(6);
      activity.begin("Reading logs", "90 %");
      pass(70);
    });
    expect(lines.slice(0, 3)).to.deep.equal([
      "Reading logs: 10 % (0:05)",
      "Reading logs: 90 % (0:15)",
      "Reading logs: 90 % (0:25)",
    ]);
    expect(lines.at(-1)).to.equal("Reading logs: 90 % (1:15)");
  });

  it("says nothing of what is done sooner", () => {
    const lines = linesOf((activity, pass) => {
      activity.begin("Checking code");
      pass(4);
      activity.begin("Checking roles");
      pass(4);
      activity.end();
      pass(60);
    });
    expect(lines).to.deep.equal([]);
  });
});
