import { readHardhatBuild, writeBuild } from "@turingfog/operator";

// Packs what Hardhat has compiled into the operator package, whose commands deploy and verify it.
readHardhatBuild("artifacts")
  .then((build) => writeBuild(build))
  .catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
