import { readFileSync } from "node:fs";
import path from "node:path";

import {
  cardOf,
  DRIVER_NAMES_VERSION,
  GENESIS_RATINGS,
  isChipName,
  modelNameOf,
  partOfCard,
  problemOfCard,
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
      ["radeon rx580", "Radeon RX 580"],
      ["RX 6800", "Radeon RX 6800"],
      ["AMD Radeon RX 6800", "Radeon RX 6800"],
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

    for (const chip of ["Vega 20", ELLESMERE, "Vega 10 XT [Radeon RX Vega 64]", "gfx906"]) {
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

    for (const chip of ["METAL", "DML", "gfx1030", "Ellesmere", "Device 738c"]) {
      it(`refuses ${chip} whatever the user names, as nothing tells its cards`, () => {
        for (const named of [undefined, "Radeon RX 580", "Apple M2 Max", "Radeon VII", "my card", ""]) {
          expect(whyNoCard(chip, named)).to.equal(
            `the driver does not tell the card, only "${chip}"; rate the card under a driver that tells its name`,
          );
        }
      });
    }

    for (const fragment of ["470", "580", "Radeon", "RX", "XT", "Radeon RX", "", "VII", "Vega 20"]) {
      it(`refuses the fragment "${fragment}" for a card`, () => {
        for (const chip of [ELLESMERE, "Vega 20", "gfx906"]) {
          expect(whyNoCard(chip, fragment)).to.contain("is not what a driver calls a");
        }
      });
    }

    it("takes a card that has the chip, in any of its spellings", () => {
      for (const named of ["Radeon VII", "radeon vii", "AMD Radeon-VII"]) {
        expect(whyNoCard("Vega 20", named)).to.equal(undefined);
        expect(cardOf("Vega 20", named)).to.equal("Radeon VII");
      }
      for (const named of ["Radeon RX 580", "RX 580", "rx580", "AMD Radeon RX 580"]) {
        expect(cardOf(ELLESMERE, named)).to.equal("Radeon RX 580");
      }
      expect(cardOf("Vega 10 XL/XT [Radeon RX Vega 56/64]", "rx vega 64")).to.equal("Radeon RX Vega 64");
      expect(cardOf("Hawaii XT [Radeon R9 290X/390X]", "radeon r9 390x")).to.equal("Radeon R9 390X");
    });

    for (const name of [
      ...["Graphics Device", "NVIDIA Graphics Device", "<undefined>", "unknown", "[Unknown Error]", "[N/A]", "XPU"],
      ...["AMD Radeon Graphics", "Radeon Vega 8 Graphics", "Apple M1", "Apple M2 Max", "NVIDIA", "", "__proto__"],
    ]) {
      it(`refuses "${name}", which is not a card's name`, () => {
        expect(problemOfCard(name)?.fault).to.equal("unknown GPU");
        expect(whyNoCard(name)).to.contain("is not a card's name");
      });
    }

    for (const name of [
      ...["NVIDIA A100-SXM4-40GB MIG 3g.20gb", "MIG 1g.5gb", "GRID V100-8C", "GRID P40-1Q", "NVIDIA A40-48Q"],
      ...["T4-2B4", "GRID A100-1-5C", "A100-1-5CME", "GRID T4-16A", "GRID K280Q"],
    ]) {
      it(`refuses ${name}, which is a part of a card`, () => {
        expect(problemOfCard(name)?.fault).to.equal("part of a GPU");
        expect(whyNoCard(name)).to.contain("is a part of a card");
      });
    }

    it("takes names that only look like a part of a card", () => {
      for (const name of [
        "GRID K520",
        "A100-SXM4-40GB",
        "RTX 2080 with Max-Q Design",
        "H100 80GB HBM3",
        "Tesla M60",
        "Intel Arc A770 Graphics",
      ]) {
        expect(whyNoCard(name)).to.equal(undefined);
      }
    });

    for (const name of [
      "V\u200b100",
      "V100\u0000",
      "Titan\u00a0XP",
      "V\t100",
      "V1\u00ad00",
      '"V100"',
      "\u201cV100\u201d",
    ]) {
      it(`refuses ${JSON.stringify(name)}, of which a part is no name`, () => {
        expect(problemOfCard(name)?.fault).to.equal("unknown GPU");
      });
    }

    it("looks no name up among those of JavaScript", () => {
      for (const name of ["constructor", "toString"]) {
        expect(modelNameOf(name)).to.equal(name);
        expect(spellingsOf(name)[0]).to.equal(name);
        expect(whyNoCard(name, "x")).to.equal(undefined);
      }
    });

    it("takes a driver's name of a card, whatever the user names", () => {
      expect(whyNoCard("Tesla V100-SXM2-16GB")).to.equal(undefined);
      expect(whyNoCard("Example 100", "V100")).to.equal(undefined);
    });
  });

  describe("partOfCard", () => {
    it("refuses a listed card of which TensorFlow got less than 60 % of the memory", () => {
      expect(partOfCard("Tesla V100-PCIE-16GB", 7_010)).to.deep.equal({
        fault: "part of a GPU",
        reason:
          "TensorFlow got 7010 MB of a Tesla V100-PCIE-16GB, which has 16 GB: a part of a card, " +
          "or one that is in use; rate the whole card",
      });
      expect(partOfCard("GeForce GTX 1080 Ti", 6_758)?.fault).to.equal("part of a GPU");
    });

    it("takes a whole card, one of unknown memory, and one that is not listed", () => {
      expect(partOfCard("GeForce GTX 1080 Ti", 6_759)).to.equal(undefined);
      expect(partOfCard("GeForce GTX 1080 Ti", undefined)).to.equal(undefined);
      expect(partOfCard("Example 100", 1)).to.equal(undefined);
    });
  });

  it("are documented in the version that is in force", () => {
    expect(PAGE).to.contain(`table of driver names, version ${DRIVER_NAMES_VERSION}`);
    for (const name of spellingsOf("V100").filter((each) => /^Tesla V100-.*GB$/.test(each))) {
      expect(PAGE).to.contain(`\`${name}\``);
    }
  });
});
