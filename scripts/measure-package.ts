import { readdirSync } from "node:fs";
import path from "node:path";

import { main, table, UsageError } from "@turingfog/cli";

import { ROOT } from "./packing/closure";
import { type Download, measureDownload } from "./packing/download";

const PACKAGES = readdirSync(path.join(ROOT, "packages"));

const USAGE = `Measures the download of a package with all that npm installs with it.

  npm run measure:package -- [--package NAME] [--json]

  --package NAME  ${PACKAGES.join(", ")} (default sdk)
  --json          print the sizes alone, as JSON
  --help          print this

Packs every package from where it is installed, in the versions of package-lock.json, so that no network is needed. A
consumer without a lock may get later versions of those that are asked for by a range. Sizes are in bytes.`;

const toText = ({ size, unpackedSize, tarballs }: Download): string =>
  table([
    ...tarballs.map((each) => [String(each.size).padStart(10), `${each.name} ${each.version}`]),
    [String(size).padStart(10), `all ${tarballs.length}, ${unpackedSize} unpacked`],
  ]);

main({
  usage: USAGE,
  options: { package: { type: "string", default: "sdk" } },
  required: [],
  async run(values, output) {
    if (!PACKAGES.includes(values.package)) {
      throw new UsageError(`--package is ${values.package}, must be one of ${PACKAGES.join(", ")}`);
    }
    const download = await measureDownload(`packages/${values.package}`);
    output.result(download, toText(download));
  },
});
