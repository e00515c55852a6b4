import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { FolderInUseError, initKeeper, initRelay, initSigner, initWatch } from "@turingfog/network";
import { expect } from "chai";

const SIGNER = { network: "sepolia", deployments: "deployments", endpoint: "https://a.example", port: 8600, peers: [] };
const KEEPER = {
  ...{ network: "sepolia", deployments: "deployments", signers: ["https://a.example"] },
  ...{ budget: "0.05", port: 8620 },
};

const WATCH = {
  ...{ network: "sepolia", deployments: "deployments", signers: ["https://a.example"] },
  ...{ webhooks: ["https://hooks.example"], port: 8630 },
};

const RELAY = { network: "sepolia", deployments: "deployments", endpoint: "https://relay.example", port: 8640 };

/** Expects what is refused to leave nothing behind. */
async function expectRefused(init: (folder: string) => Promise<unknown>, reason: RegExp): Promise<void> {
  const parent = await mkdtemp(path.join(tmpdir(), "turingfog-init-"));
  const folder = path.join(parent, "role");
  try {
    await expect(init(folder)).to.be.rejectedWith(reason);
    expect(existsSync(folder)).to.equal(false);
  } finally {
    await rm(parent, { recursive: true });
  }
}

describe("A new role's folder", () => {
  it("is not written over what is there", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "turingfog-init-"));
    try {
      await writeFile(path.join(folder, "note"), "");
      await expect(initSigner({ ...SIGNER, folder })).to.be.rejectedWith(FolderInUseError, folder);
      await expect(initKeeper({ ...KEEPER, folder })).to.be.rejectedWith(FolderInUseError, folder);
      await expect(initWatch({ ...WATCH, folder })).to.be.rejectedWith(FolderInUseError, folder);
      await expect(initRelay({ ...RELAY, folder })).to.be.rejectedWith(FolderInUseError, folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  const signers: [string, Partial<typeof SIGNER>, RegExp][] = [
    ["a network that is not known", { network: "nosuch" }, /signer\.json5, chain\.network: must be one of .*"nosuch"/],
    [
      "an endpoint that is none",
      { endpoint: "not a url" },
      /signer\.json5, endpoint: expected http:\/\/ .*"not a url"/,
    ],
  ];
  for (const [what, change, reason] of signers) {
    it(`is not written for a signer with ${what}`, () =>
      expectRefused((folder) => initSigner({ ...SIGNER, ...change, folder }), reason));
  }

  const keepers: [string, Partial<typeof KEEPER>, RegExp][] = [
    ["a network that is not known", { network: "nosuch" }, /keeper\.json5, chain\.network: must be one of .*"nosuch"/],
    ["a signer that is none", { signers: ["ftp://a"] }, /keeper\.json5, signers\.0: expected http:\/\/ .*"ftp:\/\/a"/],
    ["a budget that is none", { budget: "0,05" }, /keeper\.json5, dailyBudget: must be a decimal number .*"0,05"/],
  ];
  for (const [what, change, reason] of keepers) {
    it(`is not written for a keeper with ${what}`, () =>
      expectRefused((folder) => initKeeper({ ...KEEPER, ...change, folder }), reason));
  }

  const watches: [string, Partial<typeof WATCH>, RegExp][] = [
    ["no signer", { signers: [] }, /watch\.json5, signers: /],
    ["a webhook that is none", { webhooks: ["mailto:a@b"] }, /watch\.json5, webhooks\.0: expected http:\/\/ /],
  ];
  for (const [what, change, reason] of watches) {
    it(`is not written for a watch with ${what}`, () =>
      expectRefused((folder) => initWatch({ ...WATCH, ...change, folder }), reason));
  }

  it("is not written for a relay with an endpoint that is none", () =>
    expectRefused(
      (folder) => initRelay({ ...RELAY, endpoint: "relay", folder }),
      /relay\.json5, endpoint: expected http:\/\/ .*"relay"/,
    ));
});
