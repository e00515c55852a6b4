import { isHexString } from "ethers";

import { explorerOf } from "../config";
import { rowsOf } from "../index/sql";
import { useView } from "../index/view";
import type { PageProps } from "../routes";
import { useNetwork } from "../ui/context";
import { Count, Id, Instant } from "../ui/Fact";
import { Section, Term, Terms } from "../ui/parts";
import { Viewed } from "../ui/Viewed";

export default function Transaction({ parts: [hash = ""] }: PageProps) {
  if (!isHexString(hash, 32)) return <p>A transaction has 64 hex digits after 0x.</p>;
  return <OfHash hash={hash.toLowerCase()} />;
}

function OfHash({ hash }: { hash: string }) {
  const network = useNetwork();
  const explorer = explorerOf(network, "tx", hash);
  const view = useView(["tx", hash], {
    events: rowsOf("events", ["id", "contract", "address", "name", "args", "logIndex", "block", "time"], {
      rest: `where t.transaction_hash = '${hash}' order by t.log_index limit 1000`,
    }),
  });
  return (
    <Viewed view={view}>
      {({ tables: { events } }) => {
        if (events.length === 0)
          return <p className="empty">No contract of TuringFog has told anything in this transaction.</p>;
        const [{ id, block, time }] = events;
        return (
          <>
            <Terms>
              <Term name="Block">
                <Count fact={`event:${id}:block`} value={BigInt(block)} />
              </Term>
              <Term name="Time">
                <Instant fact={`event:${id}:time`} value={BigInt(time)} />
              </Term>
              {explorer !== undefined && (
                <Term name="Explorer">
                  <a href={explorer} rel="noreferrer">
                    The transaction on the explorer
                  </a>
                </Term>
              )}
            </Terms>
            <Section
              title="What happened"
              note="The events of TuringFog's contracts, the first 1,000, with its arguments in base units, as they stand in the log."
            >
              <ol className="events">
                {events.map((event) => (
                  <Event key={event.id} {...event} />
                ))}
              </ol>
            </Section>
          </>
        );
      }}
    </Viewed>
  );
}

function Event({ id, contract, address, name, args }: Record<"id" | "contract" | "address" | "name" | "args", string>) {
  return (
    <li>
      <p>
        <strong>{name}</strong> by <Id kind="address" id={address} label={contract} />
      </p>
      <dl className="args">
        {Object.entries(JSON.parse(args) as Record<string, unknown>).map(([key, value]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>
              <span className="id" data-fact={`event:${id}:${key}`} data-value={textOf(value)}>
                {textOf(value)}
              </span>
            </dd>
          </div>
        ))}
      </dl>
    </li>
  );
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
