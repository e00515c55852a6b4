import { loadFixture, setCode } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, TU } from "@turingfog/sdk";
import { expect } from "chai";
import {
  AbiCoder,
  concat,
  dataLength,
  encodeBytes32String,
  hexlify,
  toBeHex,
  toUtf8Bytes,
  ZeroAddress,
  ZeroHash,
} from "ethers";
import { ethers } from "hardhat";

import { deployProtocolFixture } from "../helpers/fixture";
import { listNode, openOrder } from "../helpers/market";
import { acknowledge } from "../helpers/orders";

interface Metadata {
  name: string;
  description: string;
  image: string;
  attributes: { trait_type: string; value: string }[];
}

const coder = AbiCoder.defaultAbiCoder();
const asString = (text: string) => coder.encode(["string"], [text]);
const asDecimals = (decimals: bigint) => coder.encode(["uint256"], [decimals]);

function decode(uri: string, kind: string): string {
  const prefix = `data:${kind};base64,`;
  expect(uri.slice(0, prefix.length)).to.equal(prefix);
  return Buffer.from(uri.slice(prefix.length), "base64").toString("utf8");
}

/** The metadata in a token's URI, with its values by trait and the texts of its picture. */
function read(uri: string) {
  const metadata = JSON.parse(decode(uri, "application/json")) as Metadata;
  const values = Object.fromEntries(metadata.attributes.map(({ trait_type, value }) => [trait_type, value]));
  return { metadata, values, texts: textsIn(decode(metadata.image, "image/svg+xml")) };
}

const ENTITIES: Record<string, string> = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };

/** The texts of an XML document of elements, attributes and the three entities; fails if it is not well-formed. */
function textsIn(xml: string): string[] {
  const token = /<(\/?)([a-z]+)((?: [a-zA-Z-]+='[^'<&]*')*)(\/?)>|((?:[^<&>]|&(?:amp|lt|gt);)+)/y;
  const open: string[] = [];
  const texts: string[] = [];
  while (token.lastIndex < xml.length) {
    const at = token.lastIndex;
    const found = token.exec(xml);
    if (found === null) expect.fail(`not XML from ${at} on: ${xml.slice(at, at + 40)}`);
    const [, isEnd, name, , isEmpty, text] = found;
    if (text !== undefined) texts.push(text.replace(/&[a-z]+;/g, (entity) => ENTITIES[entity]));
    else if (isEnd !== "") expect(open.pop()).to.equal(name);
    else if (isEmpty === "") open.push(name);
  }
  expect(open).to.deep.equal([]);
  return texts;
}

const ORDER = {
  ...{ nodeId: 0n, unitPrice: 1_250_000n, tuAmount: 3n * TU, tuSettled: TU / 4n, deposit: 0n, earned: 0n },
  ...{ startedAt: 0n, endsAt: 0n, refundTo: ZeroAddress },
};

/** A renderer, and an asset that answers what it is told to and is an escrow too, with one order in itself. */
async function deployRenderer() {
  const renderer = await ethers.deployContract("OrderRenderer");
  const token = await ethers.deployContract("NamedToken");
  await token.setOrder({ ...ORDER, asset: token });
  const show = async (symbol: string, decimals = asDecimals(6n), endsAt = 0n) => {
    await token.set(symbol, decimals);
    await token.setOrder({ ...ORDER, asset: token, endsAt });
    return read(await renderer.tokenURI(token, 7n));
  };
  return { renderer, token, address: await token.getAddress(), show };
}

describe("OrderRenderer", () => {
  it("shows an order as the escrow has it, and not once it is closed", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { escrow, renderer, usd } = protocol.contracts;
    const { miners, renters } = protocol.actors;
    const nodeId = await listNode(protocol, miners[0], usd, 1_250_000n);
    const terms = { nodeId, maxUnitPrice: 1_250_000n, tuAmount: 2n * TU + 1n, duration: DAY };
    const orderId = await openOrder(protocol, renters[0], usd, terms);
    await escrow.settleAcknowledged(usd, [await acknowledge(protocol, renters[0], orderId, TU / 4n)]);
    const { endsAt } = await escrow.order(orderId);

    const { metadata, values, texts } = read(await escrow.tokenURI(orderId));

    const shown = {
      "TU bought": "2.000000000000000001",
      "TU delivered": "0.25",
      "Price per TU": "1.25",
      Asset: await usd.symbol(),
      "Ends on": new Date(Number(endsAt) * 1_000).toISOString().slice(0, 10),
    };
    expect(metadata.name).to.equal(`TuringFog order ${orderId}`);
    expect(values).to.deep.equal({ ...shown, "Asset address": await usd.getAddress() });
    expect(texts).to.deep.equal([metadata.name, ...Object.entries(shown).flat()]);

    await escrow.settleAcknowledged(usd, [await acknowledge(protocol, renters[0], orderId, 3n * TU)]);
    await escrow.close(orderId);
    await expect(renderer.tokenURI(escrow, orderId))
      .to.be.revertedWithCustomError(escrow, "Escrow_UnknownOrder")
      .withArgs(orderId);
  });

  it("escapes a symbol for JSON and XML", async () => {
    const { show } = await loadFixture(deployRenderer);

    for (const symbol of [`"><script>a&b</script>`, `\\","x":"`, `&amp;'</text>`, "~ }{ !"]) {
      const { values, texts } = await show(asString(symbol));
      expect(values.Asset).to.equal(symbol);
      expect(texts[texts.indexOf("Asset") + 1]).to.equal(symbol);
    }
  });

  it("takes symbols of 1 to 32 characters, as a string or as a bytes32", async () => {
    const { show } = await loadFixture(deployRenderer);

    for (const symbol of ["A", "MKR", "x".repeat(32)]) {
      expect((await show(asString(symbol))).values.Asset).to.equal(symbol);
    }
    expect((await show(encodeBytes32String("MKR"))).values.Asset).to.equal("MKR");
    expect((await show(hexlify(toUtf8Bytes("y".repeat(32))))).values.Asset).to.equal("y".repeat(32));
  });

  it("shows the address of an asset whose symbol is none: empty, long, huge, odd, reverting", async () => {
    const { show, address } = await loadFixture(deployRenderer);

    for (const [what, answer] of Object.entries({
      empty: asString(""),
      "a bytes32 of zeros": `0x${"00".repeat(32)}`,
      "33 characters": asString("x".repeat(33)),
      huge: asString("x".repeat(8_000)),
      "a line break": asString("US\nD"),
      "beyond ASCII": asString("USD₮"),
      "a delete": asString("US\x7f"),
      "a zero inside": asString("US\0D"),
      "one byte": "0x01",
      "an odd offset": coder.encode(["uint256", "uint256", "bytes32"], [64n, 3n, encodeBytes32String("MKR")]),
      "a length beyond it": coder.encode(
        ["uint256", "uint256", "bytes32"],
        [32n, 2n ** 255n, encodeBytes32String("M")],
      ),
      "a length beyond 32 within it": coder.encode(
        ["uint256", "uint256", "bytes32"],
        [32n, 33n, hexlify(toUtf8Bytes("x".repeat(32)))],
      ),
      "a word too many": concat([asString("MKR"), ZeroHash]),
      reverting: "0x",
    })) {
      const { values, texts } = await show(answer);
      expect(values.Asset, what).to.equal(address);
      expect(texts, what).to.include(address);
    }
  });

  it("shows the address of an asset that has no code", async () => {
    const { renderer, token } = await loadFixture(deployRenderer);
    await token.setOrder({ ...ORDER, asset: "0x00000000000000000000000000000000000000AA" });

    const { values } = read(await renderer.tokenURI(token, 7n));
    expect(values.Asset).to.equal("0x00000000000000000000000000000000000000AA");
    expect(values["Price per TU"]).to.equal("1250000 base units");
  });

  it("takes nothing from an asset that reverts with a symbol or with decimals", async () => {
    const { renderer, token } = await loadFixture(deployRenderer);
    const asset = "0x00000000000000000000000000000000000000AA";
    await token.setOrder({ ...ORDER, asset });

    for (const answer of [asString("USD"), asDecimals(6n)]) {
      // CODECOPY of what follows its ten bytes, and REVERT with it
      const size = toBeHex(dataLength(answer));
      await setCode(asset, concat(["0x60", size, "0x600a5f3960", size, "0x5ffd", answer]));
      const { values } = read(await renderer.tokenURI(token, 7n));
      expect([values.Asset, values["Price per TU"]]).to.deep.equal([asset, "1250000 base units"]);
    }
  });

  it("asks by the selector alone", async () => {
    const { renderer, token } = await loadFixture(deployRenderer);
    const asset = "0x00000000000000000000000000000000000000AA";
    await token.setOrder({ ...ORDER, asset });

    const answer = asString("USD");
    const size = toBeHex(dataLength(answer));
    // REVERT unless CALLDATASIZE is 4; CODECOPY of what follows its 21 bytes, and RETURN
    await setCode(asset, concat(["0x3660041460", "0x0a575f5ffd5b60", size, "0x60155f3960", size, "0x5ff3", answer]));
    expect(read(await renderer.tokenURI(token, 7n)).values.Asset).to.equal("USD");
  });

  it("shows a price by the asset's decimals, and in base units if it does not tell them", async () => {
    const { show } = await loadFixture(deployRenderer);

    for (const [decimals, price] of [
      [asDecimals(0n), "1250000"],
      [asDecimals(6n), "1.25"],
      [asDecimals(18n), "0.00000000000125"],
      [asDecimals(24n), "0.00000000000000000125"],
      [asDecimals(25n), "1250000 base units"],
      [asDecimals(2n ** 255n), "1250000 base units"],
      ["0x06", "1250000 base units"],
      ["0x", "1250000 base units"],
    ]) {
      const { values } = await show(asString("USD"), decimals);
      expect([values["TU bought"], values["Price per TU"]], decimals).to.deep.equal(["3", price]);
    }
  });

  it("shows the day on which an order ends, leap years included", async () => {
    const { show } = await loadFixture(deployRenderer);

    for (const day of [
      "1970-01-01",
      "2000-03-01",
      "2026-01-31",
      "2026-02-09",
      "2026-02-10",
      "2026-02-11",
      "2026-07-01",
      "2027-12-31",
      "2028-02-29",
      "2028-03-01",
      "2100-02-28",
      "2100-03-01",
      "2400-02-29",
    ]) {
      const midnight = BigInt(Date.parse(`${day}T00:00:00Z`)) / 1_000n;
      for (const endsAt of [midnight, midnight + DAY - 1n]) {
        const { values } = await show(asString("USD"), asDecimals(6n), endsAt);
        expect(values["Ends on"]).to.equal(day);
      }
    }
  });

  it("is asked with less gas than a block has, though its asset burns all that it is given", async () => {
    const { renderer, token } = await loadFixture(deployRenderer);
    const asset = "0x00000000000000000000000000000000000000AA";
    await setCode(asset, "0xfe"); // INVALID
    await token.setOrder({ ...ORDER, asset });

    const { values } = read(await renderer.tokenURI(token, 7n, { gasLimit: 2_000_000 }));
    expect(values.Asset).to.equal(asset);
  });
});
