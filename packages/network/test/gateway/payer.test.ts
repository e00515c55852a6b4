import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";

import { setBalance, time } from "@nomicfoundation/hardhat-network-helpers";
import { fromBytes, gatewayConfig, readConfig, reportOf } from "@turingfog/network";
import { DAY, HOUR, TU } from "@turingfog/sdk";
import { TuringFog } from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { type Contract, id as hash, parseUnits, Wallet } from "ethers";
import { ethers } from "hardhat";
import pino from "pino";

import { deployUSDC } from "../../../sdk/test/helpers/realTokens";
import { type Given, type OpenGateway, paid, UNIT_PRICE, withGateway } from "../helpers/gatewayWorld";

const PRICE = 945;
const FEE = 50;

/** Ends a gateway, gives it another payer with funds, and opens it again. */
async function withNewPayer(given: Given, act: (later: OpenGateway, lines: string) => Promise<void>): Promise<void> {
  const { world, gateway, config } = given;
  const { usdc, protocol } = world.fixture;
  await gateway.closeStore();
  const wallet = Wallet.createRandom();
  await writeFile(path.join(path.dirname(config), "payer.key"), `${wallet.privateKey}\n`, { mode: 0o600 });
  await setBalance(wallet.address, 10n ** 20n);
  await (usdc.connect(protocol.actors.treasury) as Contract).transfer(wallet, parseUnits("1000", 6));
  const lines: string[] = [];
  const later = await world.gateway(config, pino({}, { write: (line) => lines.push(line) }));
  try {
    await act(later, lines.join(""));
  } finally {
    await later.close();
  }
}

async function advance(gateway: OpenGateway, times: number): Promise<void> {
  for (let i = 0; i < times; ++i) await gateway.advance();
}

describe("A gateway whose payer's key was replaced", () => {
  it("names the sessions of the former one, and refunds what was paid for which nothing was signed", () =>
    withGateway({}, async (given) => {
      const { world, gateway, payer } = given;
      const { id, session } = await paid(given);
      await world.empty(payer);
      await advance(gateway, 1);
      expect((await gateway.told(id)).state).to.equal("approved");
      await withNewPayer(given, async (opened, lines) => {
        expect(lines).to.include(`"payer":"${payer.toLowerCase()}","sessions":["${session}"]`);
        world.ahead += 60n;
        await advance(opened, 2);
        const { state, refunded, reason } = await opened.told(id);
        expect([state, refunded]).to.deep.equal(["refunded", String(PRICE)]);
        expect(reason).to.equal("the gateway's payer was replaced before the order was opened");
        expect(await world.openings()).to.deep.equal([]);
      });
    }));

  it("refunds what is paid later for a checkout of the former one, and accepts no quote of it", () =>
    withGateway({}, async (given) => {
      const { world, gateway } = given;
      const { body: quote } = await gateway.quote();
      const { id, session } = await gateway.checkout();
      await withNewPayer(given, async (opened) => {
        expect((await opened.accept(quote.id)).body).to.include({ error: "expired" });
        world.stripe.pay(session);
        await world.deliver(opened.url);
        await advance(opened, 3);
        expect(await opened.told(id)).to.include({ state: "refunded", refunded: String(PRICE) });
        expect(await world.openings()).to.deep.equal([]);
      });
    }));

  it("follows the order that the former one opened and nobody saw in a final block, and opens no second one", () =>
    withGateway({ chain: { confirmationSeconds: 60 } }, async (given) => {
      const { world, gateway, payer, config } = given;
      const { id } = await paid(given);
      await time.increase(120);
      await advance(gateway, 2);
      expect((await gateway.told(id)).state).to.equal("approved");
      expect(await world.openings()).to.have.length(1);
      await withNewPayer(given, async (opened) => {
        await advance(opened, 2);
        expect((await opened.told(id)).state).to.equal("approved");
        await time.increase(120);
        world.ahead += 60n;
        await advance(opened, 2);
        expect((await opened.told(id)).state).to.equal("opened");
        expect(opened.parts.deliveries.reason).to.equal(
          `The job is not handed over: that takes the key of the former payer ${payer.toLowerCase()}; see docs/operators/gateway.md`,
        );
        const [{ orderId }] = await world.openings();
        await time.increase(DAY);
        await world.passGrace(orderId);
        await time.increase(120);
        for (let i = 0; i < 3; ++i) {
          world.ahead += 60n;
          await advance(opened, 1);
          await time.increase(120);
        }
        expect(await opened.told(id)).to.include({ state: "refunded", refunded: String(PRICE - FEE) });
        expect(await world.openings()).to.have.length(1);
        expect((await reportOf(await readConfig(config, gatewayConfig))).differences).to.equal(0);
      });
    }));

  it("refunds nothing while a transaction of the former one may be mined, and says which", () =>
    withGateway({}, async (given) => {
      const { world, gateway, payer } = given;
      const { id } = await paid(given);
      world.chain.refused.add("eth_sendRawTransaction");
      await advance(gateway, 2);
      world.chain.refused.clear();
      await withNewPayer(given, async (opened) => {
        world.ahead += 60n;
        await advance(opened, 2);
        expect((await opened.told(id)).state).to.equal("approved");
        expect(opened.parts.orders.reason).to.equal(
          `Transaction 0 waits, and must be cancelled: that takes the key of the former payer ${payer.toLowerCase()}; ` +
            "see docs/operators/gateway.md",
        );
        expect(world.stripe.refunds).to.deep.equal([]);
        // another transaction in its place, by that key
        await (await ethers.getImpersonatedSigner(payer)).sendTransaction({ to: payer });
        world.ahead += 60n;
        await advance(opened, 2);
        expect(await opened.told(id)).to.include({ state: "refunded", refunded: String(PRICE) });
        expect(await world.openings()).to.deep.equal([]);
      });
    }));

  it("hands over the result of an order of the former one, and acknowledges nothing of it", () =>
    withGateway({}, async (given) => {
      const { world, gateway, payer } = given;
      world.node.isAtWork = true;
      const { id } = await paid(given);
      await advance(gateway, 4);
      expect((await gateway.told(id)).state).to.equal("opened");
      await withNewPayer(given, async (opened) => {
        world.node.isAtWork = false;
        world.node.counts = () => TU / 4n;
        await time.increase(HOUR);
        await advance(opened, 3);
        const { state, files } = await opened.told(id);
        expect([state, ...files.map((file) => file.path)]).to.deep.equal(["delivered", "job.json", "out/words.txt"]);
        expect([...world.node.orders.values()].flatMap(({ acknowledgements }) => acknowledgements)).to.deep.equal([]);
        const [{ orderId }] = await world.openings();
        expect(opened.parts.orders.reason).to.equal(
          `Order ${orderId} is not stopped before its end: that takes the key of the former payer ` +
            `${payer.toLowerCase()}; see docs/operators/gateway.md`,
        );
      });
    }));

  it("takes sessions of before their payer was noted for those of the key under which it is started", () =>
    withGateway({}, async (given) => {
      const { world, gateway, payer, config } = given;
      const { id } = await paid(given);
      const row = (await gateway.sessions.byId(id))!;
      await gateway.sessions.change("quote", row, { payer: null });
      await gateway.closeStore();
      const later = await world.gateway(config);
      try {
        expect(fromBytes((await later.sessions.byId(id))!.payer!)).to.equal(payer.toLowerCase());
      } finally {
        await later.close();
      }
    }));

  it("is told by its report of two orders of one reference, by the former and by the present payer", () =>
    withGateway({}, async (given) => {
      const { world, config } = given;
      const { protocol, usdc, nodeId } = world.fixture;
      const { session } = await paid(given);
      await advance(given.gateway, 4);
      await withNewPayer(given, async () => {
        const file = path.join(path.dirname(config), "payer.key");
        const wallet = new Wallet((await readFile(file, "utf8")).trim(), ethers.provider);
        const { to, data } = await new TuringFog(protocol.addresses, wallet).permittedOpeningCall({
          ...{ nodeId, asset: await usdc.getAddress(), tuAmount: TU / 2n, maxUnitPrice: UNIT_PRICE, duration: DAY },
          ...{ renter: wallet.address, refundTo: wallet.address, jobHash: hash("job") },
          paymentRef: hash(`stripe:${session}`),
        });
        await (await wallet.sendTransaction({ to, data })).wait();
        const ids = (await world.openings()).map(({ orderId }) => orderId);
        const { lines } = await reportOf(await readConfig(config, gatewayConfig));
        expect(lines.map(({ orderId, differences }) => [orderId, ...differences])).to.deep.equal([
          [ids[0], `orders ${ids.join(" and ")} have its reference, by different payers`],
        ]);
      });
    }));
});

describe("A gateway whose asset was changed", () => {
  it("accepts no quote in the former one, and refunds what was paid for in full", () =>
    withGateway({}, async (given) => {
      const { world, gateway, config } = given;
      const { usdc, protocol } = world.fixture;
      const { body: quote } = await gateway.quote();
      const { id } = await paid(given);
      await gateway.closeStore();
      const other = await (await deployUSDC(protocol.actors.deployer, protocol.actors.treasury.address)).getAddress();
      const text = await readFile(config, "utf8");
      await writeFile(config, JSON.stringify({ ...(JSON.parse(text) as object), asset: other }));
      const later = await world.gateway(config);
      try {
        expect((await later.accept(quote.id)).body).to.include({ error: "expired" });
        await advance(later, 2);
        expect(await later.told(id)).to.include({ state: "refunded", refunded: String(PRICE) });
        const [now, then] = [other, await usdc.getAddress()].map((each) => each.toLowerCase());
        expect((await later.told(id)).reason).to.equal(`the gateway pays in ${now}, the quote was in ${then}`);
      } finally {
        await later.close();
      }
    }));
});
