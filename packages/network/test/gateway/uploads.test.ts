import { mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";

import { expect } from "chai";

import { type Given, paid, withGateway } from "../helpers/gatewayWorld";

const MIB = 1_048_576;

/** Puts a file of a job, and resolves to the status and the name of the error. */
async function put({ gateway }: Given, id: string, name: string, body: BodyInit): Promise<[number, string?]> {
  const streamed = body instanceof ReadableStream ? { duplex: "half" as const } : {};
  const answer = await fetch(`${gateway.url}/v1/sessions/${id}/input/${name}`, {
    method: "PUT",
    body,
    headers: { "content-type": "application/octet-stream" },
    ...streamed,
  });
  const { error } = (await answer.json()) as { error?: string };
  return error === undefined ? [answer.status] : [answer.status, error];
}

/** Returns all that is in the folder of a session's job. */
async function left({ config }: Given, id: string): Promise<string[]> {
  const folder = path.join(path.dirname(config), "jobs", id);
  return (await readdir(folder, { recursive: true }).catch(() => [])).sort();
}

async function quoted({ gateway }: Given): Promise<string> {
  return (await gateway.quote()).body.id;
}

describe("A file of a job that is not paid", () => {
  it("leaves nothing when a folder has its name", () =>
    withGateway({}, async (given) => {
      const id = await quoted(given);
      expect(await put(given, id, "a/b", "")).to.deep.equal([201]);
      expect(await put(given, id, "a", "x".repeat(1_000))).to.deep.equal([409, "bad-path"]);
      expect(await left(given, id)).to.deep.equal(["input", "input/a", "input/a/b"]);
    }));

  it("leaves neither a part nor a folder when it is too long", () =>
    withGateway({ jobMiB: 1 }, async (given) => {
      const id = await quoted(given);
      expect(await put(given, id, "first", new Uint8Array(MIB - 10))).to.deep.equal([201]);
      expect(await put(given, id, "a/b/c", "x".repeat(11))).to.deep.equal([413, "too-large"]);
      expect(await left(given, id)).to.deep.equal(["input", "input/first"]);
      expect(await put(given, id, "a/b/c", "x".repeat(10))).to.deep.equal([201]);
    }));

  it("has no room beside jobs that were sealed without files", () =>
    withGateway({ jobMiB: 1, unpaidMiB: 1 }, async (given) => {
      const { gateway } = given;
      const [full, last, late] = [await quoted(given), await quoted(given), await quoted(given)];
      expect(await put(given, full, "first", new Uint8Array(MIB - 4_096 - 9_000))).to.deep.equal([201]);
      expect((await gateway.accept(last)).status).to.equal(200);
      expect(await gateway.accept(late)).to.deep.include({ status: 503 });
      expect((await gateway.accept(late)).body).to.include({ error: "no-space" });
    }));

  it("is refused while another of the same job is on its way, and so is the acceptance", () =>
    withGateway({}, async (given) => {
      const { gateway, config } = given;
      const id = await quoted(given);
      let end = () => {};
      const slow = new ReadableStream({
        start: (controller) => {
          controller.enqueue(new TextEncoder().encode("slow"));
          end = () => controller.close();
        },
      });
      const first = put(given, id, "first", slow);
      const folder = path.join(path.dirname(config), "jobs", id);
      while ((await readdir(folder).catch(() => [])).length === 0);
      expect(await put(given, id, "second", "x")).to.deep.equal([409, "uploading"]);
      expect((await gateway.accept(id)).body).to.include({ error: "uploading" });
      end();
      expect(await first).to.deep.equal([201]);
      expect(await put(given, id, "second", "x")).to.deep.equal([201]);
      expect(await left(given, id)).to.deep.equal(["input", "input/first", "input/second"]);
    }));

  it("is refused once there are 256, and an address has sent as many", () =>
    withGateway({}, async (given) => {
      const { gateway } = given;
      const id = await quoted(given);
      const began = performance.now();
      for (let i = 0; i < 256; ++i) expect(await put(given, id, `f${i}`, "")).to.deep.equal([201]);
      let answer = await put(given, id, "more", "");
      expect(answer).to.deep.equal([413, "too-many-files"]);
      let others = 0;
      // tokens come back by the second
      for (; answer[0] !== 429 && others < 100; ++others) answer = await put(given, id, "f0", "");
      expect(others).to.be.at.most((performance.now() - began) / 1_000 + 1);
      expect((await gateway.accept(id)).status).to.equal(200);
    }));

  it("is refused once the quote is accepted or paid", () =>
    withGateway({}, async (given) => {
      const { id } = await given.gateway.checkout();
      expect(await put(given, id, "late", "x")).to.deep.equal([409, "accepted"]);
      const later = await paid(given);
      await given.gateway.advance();
      expect(await put(given, later.id, "late", "x")).to.deep.equal([409, "accepted"]);
    }));

  it("is refused once the quote has expired", () =>
    withGateway({ quoteSeconds: 60 }, async (given) => {
      const id = await quoted(given);
      given.world.ahead = 61n;
      expect(await put(given, id, "late", "x")).to.deep.equal([410, "expired"]);
      expect(await left(given, id)).to.deep.equal([]);
    }));

  it("is refused when those of all have as much as they may, until others can be bought no more", () =>
    withGateway({ unpaidMiB: 1, quoteSeconds: 60 }, async (given) => {
      const [first, second] = [await quoted(given), await quoted(given)];
      expect(await put(given, first, "big", new Uint8Array(MIB - 8_192))).to.deep.equal([201]);
      expect(await put(given, second, "big", new Uint8Array(4_097))).to.deep.equal([503, "no-space"]);
      expect(await left(given, second)).to.deep.equal([]);
      expect((await left(given, first)).length).to.equal(2);
      given.world.ahead = 3_700n;
      const third = await quoted(given);
      expect(await put(given, third, "big", new Uint8Array(MIB / 2))).to.deep.equal([201]);
      expect(await left(given, first)).to.deep.equal([]);
    }));

  it("loses the parts that a crash has left, and nothing else, at the first file that comes after it", () =>
    withGateway({}, async (given) => {
      const [first, second] = [await quoted(given), await quoted(given)];
      const folder = path.join(path.dirname(given.config), "jobs", first);
      await mkdir(path.join(folder, "input"), { recursive: true });
      await writeFile(path.join(folder, "0123456789abcdef.part"), "half of a file");
      await writeFile(path.join(folder, "input/whole"), "a file");
      expect(await put(given, second, "next", "x")).to.deep.equal([201]);
      expect(await left(given, first)).to.deep.equal(["input", "input/whole"]);
    }));

  it("is kept once it is paid, when room is made for others", () =>
    withGateway({ unpaidMiB: 1, quoteSeconds: 60, openDelay: 80_000, openWithin: 86_400 }, async (given) => {
      const { gateway, world } = given;
      const id = await quoted(given);
      expect(await put(given, id, "big", new Uint8Array(MIB / 2))).to.deep.equal([201]);
      const { body } = await gateway.accept(id);
      world.stripe.pay((body.checkout ?? "").split("/").at(-1) as string);
      await world.deliver(gateway.url);
      await gateway.advance();
      expect((await gateway.told(id)).state).to.equal("paid");
      const files = await left(given, id);
      world.ahead = 3_700n;
      const other = await quoted(given);
      expect(await put(given, other, "big", new Uint8Array(MIB - 8_192))).to.deep.equal([201]);
      expect(await left(given, id)).to.deep.equal(files);
      expect(files).to.include("rental");
    }));
});
