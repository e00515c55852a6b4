import { isAddress } from "ethers";
import { useState } from "react";

import { useChain } from "../chain/client";
import type { OrderRow } from "../index/orders";
import { useWallets } from "../wallet/session";
import { Act } from "./Act";
import { Amount, Instant } from "./Fact";
import { Field, typed } from "./Field";
import { Section } from "./parts";

const ZERO = /^0x0+$/;

/** What can be done with an open order, by who is connected. */
export function OrderActs({ order, now }: { order: OrderRow; now: bigint }) {
  const { session } = useWallets();
  if (session === undefined || order.status !== "open") return null;
  const isHolder = session.account === order.holder;
  const isRefunded = ZERO.test(order.refundTo) ? isHolder : session.account === order.refundTo;
  return (
    <>
      {isRefunded && order.nodeId !== "0" && <Acknowledge order={order} />}
      {isHolder && BigInt(order.endsAt) > now && <Stop order={order} />}
      {isHolder && ZERO.test(order.refundTo) && <HandOver order={order} />}
      <Close order={order} now={now} />
    </>
  );
}

function Acknowledge({ order }: { order: OrderRow }) {
  const [text, setText] = useState("");
  const { value } = typed(text, 18);
  // the escrow passes over what is settled already, without an error
  const isMore = value !== undefined && value > BigInt(order.tuSettled);
  return (
    <Section
      title="Acknowledge"
      note="Says how many TU the node has delivered in all, and pays it at once. What is acknowledged is paid, whatever becomes of the order."
    >
      <Act
        label="Acknowledge and pay"
        done="The node is paid for what you have acknowledged."
        isDisabled={!isMore || value > BigInt(order.tuAmount)}
        run={async (fog) =>
          (await import("../wallet/acts")).acknowledge(fog, order.asset, BigInt(order.id), value ?? 0n)
        }
      >
        <Field
          name="TU delivered so far"
          value={text}
          onChange={setText}
          isWrong={!isMore}
          note={
            <>
              Settled until now:{" "}
              <Amount fact={`order:${order.id}:tuSettled`} value={BigInt(order.tuSettled)} decimals={18} unit="TU" />
            </>
          }
        />
      </Act>
    </Section>
  );
}

function Stop({ order }: { order: OrderRow }) {
  return (
    <Section
      title="Stop"
      note="Ends the order now: nothing that is measured later counts. What was not delivered comes back when it is closed."
    >
      <Act
        label="Stop the order"
        done="The order is stopped."
        run={async (fog) => (await import("../wallet/acts")).stop(fog, BigInt(order.id))}
      />
    </Section>
  );
}

function HandOver({ order }: { order: OrderRow }) {
  const [to, setTo] = useState("");
  return (
    <Section
      title="Hand over"
      note="Gives the order to another account, which then stops it, acknowledges it and is refunded. Give the order's folder, with its keys, by a way that nobody else reads."
    >
      <Act
        label="Hand the order over"
        done="The order is the other account's."
        isDisabled={!isAddress(to)}
        run={async (fog, account) => (await import("../wallet/acts")).handOver(fog, account, to, BigInt(order.id))}
      >
        <Field name="To" value={to} onChange={setTo} isWrong={!isAddress(to)} placeholder="0x and 40 hex digits" />
      </Act>
    </Section>
  );
}

function Close({ order, now }: { order: OrderRow; now: bigint }) {
  const { id, endsAt, tuSettled } = order;
  const closable = useChain(["refundable", id, endsAt, tuSettled], ({ escrow }) => escrow.refundable(id));
  if (closable.data === undefined) return null;
  const [, from] = closable.data;
  return (
    <Section
      title="Close"
      note={
        from <= now ? (
          "Anybody can close it now. The rest of the deposit goes to who is refunded."
        ) : (
          <>
            It can be closed from <Instant fact={`order:${id}:closableFrom`} value={from} /> on, or once all of it is
            delivered.
          </>
        )
      }
    >
      <Act
        label="Close the order"
        done="The order is closed, and the rest of its deposit refunded."
        isDisabled={from > now}
        run={async (fog) => (await import("../wallet/acts")).close(fog, BigInt(id))}
      />
    </Section>
  );
}
