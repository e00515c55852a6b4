import { spawnSync } from "node:child_process";
import path from "node:path";

import { expect } from "chai";

import { environmentOf } from "../../scripts/node/environment";

const ROOT = path.join(__dirname, "../..");

function check(what: string, ...args: string[]) {
  const tsNode = require.resolve("ts-node/dist/bin-transpile");
  return spawnSync(process.execPath, [tsNode, `scripts/check-${what}.ts`, ...args], { cwd: ROOT, encoding: "utf8" });
}

describe("npm run check:node", () => {
  describe("the environment of its commands", () => {
    it("has the Node first, and no tool of this checkout", () => {
      const PATH = ["/checkout/node_modules/.bin", "/usr/bin", "/lib/node_modules/npm/bin", "/bin"].join(
        path.delimiter,
      );
      expect(environmentOf("/node/bin", { PATH }).PATH?.split(path.delimiter)).to.deep.equal([
        "/node/bin",
        "/usr/bin",
        "/bin",
      ]);
    });

    it("has nothing that npm sets for a script, nor what changes Node, Hardhat or ts-node", () => {
      const set = {
        npm_config_local_prefix: "/checkout",
        npm_execpath: "npm",
        npm_lifecycle_event: "check:node",
        INIT_CWD: "/checkout",
        NODE: "/usr/bin/node",
        NODE_OPTIONS: "--expose-gc",
        HARDHAT_NETWORK: "localhost",
        TS_NODE_PROJECT: "tsconfig.json",
      };
      const kept = { HOME: "/home", npm_config_registry: "https://registry", NODE_EXTRA_CA_CERTS: "ca.pem" };
      expect(environmentOf("/node/bin", { ...set, ...kept, PATH: "" })).to.have.all.keys(...Object.keys(kept), "PATH");
    });
  });

  for (const [option, value, message] of [
    ["--only", "lint", "--only is lint, must be demo or test"],
    ["--node", "22", "--node is 22, must be a version as 22.23.5"],
  ]) {
    it(`refuses ${option} ${value} before it installs anything`, () => {
      const { status, stdout, stderr } = check("node", option, value);
      expect(stderr.trim()).to.equal(message);
      expect([status, stdout]).to.deep.equal([2, ""]);
    });
  }
});

describe("npm run check:rounds", () => {
  it("refuses --node 24 before it installs anything", () => {
    const { status, stdout, stderr } = check("rounds", "--node", "24");
    expect([status, stdout, stderr]).to.deep.equal([2, "", "--node is 24, must be a version as 20.20.2\n"]);
  });
});
