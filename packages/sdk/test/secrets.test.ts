import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { hide, hideAccess, redact, writeAtomically } from "@turingfog/sdk/node";
import { expect } from "chai";

/** With all that URLs, forms, JSON, tables and patterns write otherwise. */
const KEY = 'K3y of|this/test+1=2"&[x]$1\\';

const percentLowerCase = (text: string) => encodeURIComponent(text).replace(/%../g, (code) => code.toLowerCase());

/** How others write what they were sent. */
const FORMS: Record<string, (text: string) => string> = {
  "as it is": (text) => text,
  "in a URL": encodeURIComponent,
  "in a URL, in lower case": percentLowerCase,
  "in a form": (text) => new URLSearchParams({ text }).toString().slice("text=".length),
  "in JSON": (text) => JSON.stringify(text).slice(1, -1),
  "in a table of Markdown": (text) => text.replaceAll("|", "\\|"),
  "in upper case": (text) => text.toUpperCase(),
};

describe("secrets", () => {
  for (const [how, write] of Object.entries(FORMS)) {
    it(`are replaced where they stand ${how}`, () => {
      hide(KEY, "test key");
      expect(redact(`a ${write(KEY)} b ${write(KEY)}`)).to.equal("a [test key] b [test key]");
    });
  }

  it("are replaced by the longest name, if one is a part of another", () => {
    hide("https://node.example/v3/part-of-it", "whole");
    hide("part-of-it", "part");
    expect(redact("https://node.example/v3/part-of-it, https://other.example/part-of-it")).to.equal(
      "[whole], https://other.example/[part]",
    );
  });

  it("are as they were if they are too short to be one", () => {
    hide("abc", "short");
    hide("", "empty");
    expect(redact("abcdef")).to.equal("abcdef");
  });

  it("do not get into a file", async () => {
    const directory = await mkdtemp(path.join(tmpdir(), "turingfog-secrets-"));
    const file = path.join(directory, "report.json");
    hide(KEY, "test key");
    await writeAtomically(file, JSON.stringify({ answer: `what you sent: ${KEY}` }));
    const written = await readFile(file, "utf8");
    await rm(directory, { recursive: true });
    expect(JSON.parse(written)).to.deep.equal({ answer: "what you sent: [test key]" });
  });

  describe("of a URL", () => {
    for (const [where, url, secret] of [
      ["path", "https://node.example/v2/Pa7h-key-0001", "Pa7h-key-0001"],
      ["path, without digits", "https://node.example/PathKeyWithoutAnyDigit/", "PathKeyWithoutAnyDigit"],
      ["path, encoded", "https://node.example/Pa7h%20key%2F0002", "Pa7h key/0002"],
      ["query", "https://node.example/rpc?apikey=Qu3ry-key-01", "Qu3ry-key-01"],
      ["query, encoded", "https://node.example/rpc?apikey=Qu3ry%2Bkey%2F02", "Qu3ry+key/02"],
      ["password", "https://someone:passw0rd@node.example", "passw0rd"],
      ["password, encoded", "https://someone:p%40ss%3Aw0rd@node.example", "p@ss:w0rd"],
      ["user", "https://us3r-is-the-key@node.example", "us3r-is-the-key"],
    ] as const) {
      it(`are replaced that stand in its ${where}`, () => {
        hideAccess(url, "access");
        for (const write of Object.values(FORMS)) expect(redact(`-${write(secret)}-`)).to.equal("-[access]-");
        expect(redact(url)).to.contain("[access]").and.not.contain(secret);
      });
    }

    it("are replaced as the header of HTTP has them", () => {
      hideAccess("https://some%40one:passw0rd%21@node.example", "access");
      const header = Buffer.from("some@one:passw0rd!").toString("base64");
      expect(redact(`authorization: Basic ${header}`)).to.equal("authorization: Basic [access]");
    });

    it("leave names of chains, versions and hosts as they are", () => {
      hideAccess("https://mainnet.example.org/v2/ethereum/arbitrum-sepolia?network=base&id=84532", "access");
      const text = "mainnet.example.org v2 ethereum arbitrum-sepolia base 84532";
      expect(redact(text)).to.equal(text);
    });

    it("are none in what is no URL", () => {
      hideAccess("no URL with a k3y-0123456789", "access");
      expect(redact("k3y-0123456789")).to.equal("k3y-0123456789");
    });
  });
});
