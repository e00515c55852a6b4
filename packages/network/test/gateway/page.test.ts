import { expect } from "chai";

import { advance, paid, withGateway } from "../helpers/gatewayWorld";

describe("A customer's page", () => {
  it("has no script, and may load and send nothing but its own", () =>
    withGateway({}, async ({ gateway }) => {
      const { body: quote } = await gateway.quote();
      const answer = await fetch(`${gateway.url}/pay/${quote.id}`);
      const html = await answer.text();
      expect(html).not.to.match(/<script|\son\w+=|javascript:/i);
      expect(answer.headers.get("content-security-policy")).to.match(
        /^default-src 'none'; style-src 'sha256-[\w+/]{43}='; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
      );
      expect(answer.headers.get("referrer-policy")).to.equal("no-referrer");
      expect(html).to.include('<html lang="en">').and.to.include('<li aria-current="step">Offer</li>');
    }));

  it("accepts the offer by its form, and leads to where the card is asked for", () =>
    withGateway({}, async ({ world, gateway }) => {
      const { body: quote } = await gateway.quote();
      const at = `${gateway.url}/pay/${quote.id}`;
      expect(await (await fetch(at)).text()).to.include("<button>Accept, and pay 9.45 EUR</button>");
      const answer = await fetch(at, { method: "POST", body: new URLSearchParams(), redirect: "manual" });
      expect([answer.status, answer.headers.get("location")]).to.deep.equal([303, `/pay/${quote.id}`]);
      const [{ url }] = world.stripe.sessions.values();
      expect(await (await fetch(at)).text()).to.include(`href="${url}">Pay 9.45 EUR by card</a>`);
    }));

  it("is asked for by a form, which a link can fill in, and which says what was refused", () =>
    withGateway({}, async ({ world, gateway }) => {
      const link = `${gateway.url}/new?node=${world.fixture.nodeId}&tu=0.5&runner=%22%3E%3Cscript%3E`;
      const html = await (await fetch(link)).text();
      expect(html).to.include('name="tu" value="0.5"').and.not.include("<script>");
      const ask = (runner: string) => {
        const fields = {
          node: String(world.fixture.nodeId),
          tu: "0.5",
          hours: "24",
          currency: "eur",
          slots: "TEXT=hello",
        };
        const body = new URLSearchParams({ ...fields, runner });
        return fetch(`${gateway.url}/new`, { method: "POST", body, redirect: "manual" });
      };
      const refused = await ask("none");
      expect(refused.status).to.equal(422);
      expect(await refused.text()).to.match(/<p role="alert">Node \d+ has no runner none; it has words<\/p>/);
      const taken = await ask("words");
      expect(`${taken.status} ${taken.headers.get("location")}`).to.match(/^303 \/pay\/[\w-]{32}$/);
    }));

  it("hands the result out, and nothing beside it", () =>
    withGateway({}, async (given) => {
      const { gateway } = given;
      const { id } = await paid(given);
      await advance(given, 4);
      const html = await (await fetch(`${gateway.url}/pay/${id}`)).text();
      expect(html).to.include(`<a href="/v1/sessions/${id}/files/out/words.txt" download>out/words.txt</a>`);
      for (const name of ["../rental/job.key", "%2e%2e/rental/job.key", "..%2frental%2fjob.key", "out", "none"]) {
        const answer = await fetch(`${gateway.url}/v1/sessions/${id}/files/${name}`);
        expect(answer.status, name).to.equal(404);
      }
    }));

  it("shows what others have written as text", () =>
    withGateway({}, async (given) => {
      const { world, gateway } = given;
      world.node.refuses = () => "<img src=x onerror=alert(1)>";
      const { id } = await paid(given);
      await advance(given, 4);
      const html = await (await fetch(`${gateway.url}/pay/${id}`)).text();
      expect(html).to.include("&#60;img src=x onerror=alert(1)&#62;").and.not.to.include("<img");
    }));

  it("is there for nobody who does not know its address", () =>
    withGateway({}, async ({ gateway }) => {
      for (const id of ["x".repeat(32), "1", "..%2f"]) {
        expect((await fetch(`${gateway.url}/pay/${id}`)).status, id).to.equal(404);
      }
    }));
});
