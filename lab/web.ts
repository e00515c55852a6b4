import { ends, main, newCommand, type Output, outputOf, UsageError, wholeNumber } from "@turingfog/cli";

/** The last port there is. */
const MAX_PORT = 65_535;

interface Values {
  check: boolean;
  port: string;
  screenshots?: string;
}

async function run(values: Values, output: Output): Promise<number> {
  const port = wholeNumber("port", values.port, 0);
  if (port > MAX_PORT) throw new UsageError(`--port is ${port}, must be a whole number from 0 to ${MAX_PORT}`);
  if (values.screenshots !== undefined && !values.check) throw new UsageError("--screenshots needs --check");

  const { ShownWorld } = await import("./web/world");
  const world = await ShownWorld.start(values.check ? 0 : port, (text) => output.say(text));
  try {
    if (values.check) {
      const { checkPage } = await import("./web/check");
      const report = await checkPage(world, values.screenshots, (text) => output.say(text));
      output.result(report, report.text);
      return report.faults.length === 0 ? 0 : 1;
    }
    output.result({ url: world.url }, `The page is at ${world.url}\nCtrl-C ends it`);
    await new Promise<void>((resolve) => {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
    });
    return 0;
  } finally {
    await world.stop();
  }
}

main(
  newCommand({
    description: `Shows the page on a chain of its own that has lived ten days, with its index, and prints the link.

--check visits every page in Chromium, compares each number that it shows with the chain at the same block, and looks for
violations of accessibility, requests to other hosts and errors. It ends with 0 when nothing was found, and with 1
otherwise.`,
    examples: ["npm run web", "npm run web -- --check --screenshots web-out"],
  })
    .name("npm run web --")
    .option("--check", "check the page and end", false)
    .option("--port <N>", "port of the page; 0 for one that is free", "4173")
    .option("--screenshots <DIR>", "keep pictures of the pages at two widths, with --check")
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
