import { readFileSync } from "node:fs";
import path from "node:path";

import {
  DRIVER_NAMES_VERSION,
  GENESIS_RATINGS,
  isChipName,
  modelNameOf,
  spellingsOf,
  unbranded,
  whyNoCard,
} from "@turingfog/sdk";
import { expect } from "chai";

const PAGE = readFileSync(path.join(__dirname, "../../../../docs/tu.md"), "utf8");

describe("names of cards", () => {
  describe("modelNameOf", () => {
    for (const [device, card] of [
      ["Tesla V100-PCIE-16GB", "V100"],
      ["Tesla V100-PCIE-32GB", "V100"],
      ["Tesla V100-SXM2-16GB", "V100"],
      ["NVIDIA Tesla V100-SXM2-32GB", "V100"],
      ["Tesla V100-SXM3-32GB", "V100"],
      ["tesla v100 sxm2 16gb", "V100"],
      ["GeForce GTX 1080 Ti", "GTX 1080 Ti"],
      ["gtx1080ti", "GTX 1080 Ti"],
      ["NVIDIA TITAN Xp", "Titan XP"],
      ["rtx 3090", "RTX 3090"],
      ["NVIDIA A100-SXM4-40GB", "A100-SXM4-40GB"],
      ["P100-PCIE-12GB", "Tesla P100-PCIE-12GB"],
      ["AMD Radeon VII", "Radeon VII"],
    ]) {
      it(`calls ${device} ${card}`, () => {
        expect(modelNameOf(device)).to.equal(card);
      });
    }

    for (const device of [
      "Tesla V100S-PCIE-32GB",
      "Tesla V100-FHHL-16GB",
      "Tesla V100-DGXS-32GB",
      "RTX 2080 with Max-Q Design",
      "RTX 2080 SUPER",
      "TITAN X (Pascal)",
      "A100 80GB PCIe",
    ]) {
      it(`leaves ${device} its own name`, () => {
        expect(modelNameOf(device)).to.equal(device);
      });
    }

    it("calls a genesis model by its own name", () => {
      for (const model of Object.keys(GENESIS_RATINGS)) expect(modelNameOf(model)).to.equal(model);
    });
  });

  describe("unbranded", () => {
    it("takes off the brands alone", () => {
      expect(unbranded("NVIDIA GeForce RTX 3090")).to.equal("RTX 3090");
      expect(unbranded("Tesla T4")).to.equal("Tesla T4");
    });
  });

  describe("spellingsOf", () => {
    it("has the card's own name and what drivers call it, with brands", () => {
      const spellings = spellingsOf("V100");
      expect(spellings[0]).to.equal("V100");
      expect(spellings).to.include.members(["Tesla V100-SXM2-16GB", "NVIDIA V100", "V100-PCIE-16GB"]);
      expect(spellingsOf("Example 100")).to.include.members(["Example 100", "NVIDIA GeForce Example 100"]);
      expect(spellingsOf("Tesla T4")).to.include("T4");
    });

    it("has none twice", () => {
      expect(new Set(spellingsOf("Tesla T4")).size).to.equal(spellingsOf("Tesla T4").length);
    });
  });

  describe("whyNoCard", () => {
    const ELLESMERE = "Ellesmere [Radeon RX 470/480/570/570X/580/580X/590]";

    for (const chip of [
      "Vega 20",
      ELLESMERE,
      "Vega 10 XT [Radeon RX Vega 64]",
      "gfx906",
      "Device 738c",
      "METAL",
      "DML",
    ]) {
      it(`refuses ${chip}, which does not tell the card`, () => {
        expect(isChipName(chip)).to.equal(true);
        expect(whyNoCard(chip)).to.match(
          /^".*" does not tell the card: several have that chip.*; name the card, for a log/,
        );
      });
    }

    it("refuses a card that the name of the chip does not list", () => {
      expect(whyNoCard(ELLESMERE, "Radeon RX 5700")).to.contain("is not what a driver calls a Radeon RX 5700");
      expect(whyNoCard("Vega 20", "Radeon RX 580")).to.contain("is not what a driver calls a Radeon RX 580");
    });

    it("refuses another chip, and a card whose driver tells its name", () => {
      expect(whyNoCard("METAL", "Vega 20")).to.be.a("string");
      expect(whyNoCard("METAL", "GeForce RTX 3090")).to.be.a("string");
    });

    it("takes a card that may have the chip", () => {
      expect(whyNoCard("Vega 20", "Radeon Pro VII")).to.equal(undefined);
      expect(whyNoCard(ELLESMERE, "AMD Radeon RX 580")).to.equal(undefined);
      expect(whyNoCard("METAL", "Apple M2 Max")).to.equal(undefined);
    });

    it("takes a driver's name of a card, whatever the user names", () => {
      expect(whyNoCard("Tesla V100-SXM2-16GB")).to.equal(undefined);
      expect(whyNoCard("Example 100", "V100")).to.equal(undefined);
    });
  });

  it("are documented in the version that is in force", () => {
    expect(PAGE).to.contain(`table of driver names, version ${DRIVER_NAMES_VERSION}`);
    for (const name of spellingsOf("V100").filter((each) => /^Tesla V100-.*GB$/.test(each))) {
      expect(PAGE).to.contain(`\`${name}\``);
    }
  });
});
