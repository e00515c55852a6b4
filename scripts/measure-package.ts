import { readdirSync } from "node:fs";
import path from "node:path";

import { ends, main, newCommand, type Output, outputOf, table, UsageError } from "@turingfog/cli";

import { ROOT } from "./packing/closure";
import { type Download, measureDownload } from "./packing/download";

const PACKAGES = readdirSync(path.join(ROOT, "packages"));

const toText = ({ size, unpackedSize, tarballs }: Download): string =>
  table([
    ...tarballs.map((each) => [String(each.size).padStart(10), `${each.name} ${each.version}`]),
    [String(size).padStart(10), `all ${tarballs.length}, ${unpackedSize} unpacked`],
  ]);

async function run(values: { package: string }, output: Output): Promise<void> {
  if (!PACKAGES.includes(values.package)) {
    throw new UsageError(`--package is ${values.package}, must be one of ${PACKAGES.join(", ")}`);
  }
  const download = await measureDownload(`packages/${values.package}`);
  output.result(download, toText(download));
}

main(
  newCommand({
    description: `Measures the download of a package with all that npm installs with it.

Packs every package from where it is installed, in the versions of package-lock.json, so that no network is needed. A
consumer without a lock may get later versions of those that are asked for by a range. Sizes are in bytes.`,
    examples: ["npm run measure:package -- --package cli"],
  })
    .name("npm run measure:package --")
    .option("--package <NAME>", PACKAGES.join(", "), "sdk")
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
