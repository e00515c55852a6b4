import { useState } from "react";

import { priceAt, tftOwed } from "@turingfog/sdk";
import { useChain } from "../chain/client";
import type { Asset } from "../index/assets";
import { useWallets } from "../wallet/session";
import { Act } from "./Act";
import { useNetwork } from "./context";
import { Amount } from "./Fact";
import { Field, typed } from "./Field";
import { Section } from "./parts";

/** A lot as it is bought. */
export interface LotForSale {
  asset: Asset;
  round: bigint;
  remaining: bigint;
  referencePrice: bigint;
  startedAt: bigint;
  period: bigint;
}

/** Buys from a lot, with TFT of one's own or by the filler. */
export function BuyActs({ lot, now }: { lot: LotForSale; now: bigint }) {
  const { session } = useWallets();
  const { addresses } = useNetwork();
  if (session === undefined) return null;
  return (
    <>
      <Buy lot={lot} now={now} />
      {addresses.filler !== undefined && <Fill lot={lot} filler={addresses.filler} />}
    </>
  );
}

function Buy({ lot, now }: { lot: LotForSale; now: bigint }) {
  const { asset, remaining, referencePrice, startedAt, period } = lot;
  const [text, setText] = useState("");
  const { value } = typed(text, asset.decimals);
  const price = priceAt(referencePrice, now - startedAt, period);
  return (
    <Section
      title={`Buy ${asset.symbol} with TFT`}
      note="You never pay more than the price that is shown when you press the button: it only falls. If your TFT are not approved yet, the wallet asks twice."
    >
      <Act
        label="Buy"
        done="Bought, and the TFT destroyed."
        isDisabled={value === undefined || value > remaining}
        run={async (fog, account) => (await import("../wallet/acts")).buy(fog, account, lot, value ?? 0n, price)}
      >
        <Field
          name={`${asset.symbol} to buy`}
          value={text}
          onChange={setText}
          isWrong={value === undefined || value > remaining}
        />
        {value !== undefined && value <= remaining && (
          <p className="quote" role="status">
            Costs now{" "}
            <Amount
              fact={`quote:${value}/${price}:owed`}
              value={tftOwed(value, price, 10n ** BigInt(asset.decimals))}
              decimals={18}
              unit="TFT"
            />
          </p>
        )}
      </Act>
    </Section>
  );
}

/** The filler sells a part of the lot on Uniswap for the TFT that the lot costs, and leaves the rest to its caller. */
function Fill({ lot, filler }: { lot: LotForSale; filler: string }) {
  const { asset, round, remaining } = lot;
  const quote = useChain(["fill", asset.address, String(round), String(remaining)], async ({ controller }) => {
    const { quoteFill } = await import("../wallet/filler");
    return quoteFill(filler, controller.runner, lot);
  });
  return (
    <Section
      title="Buy by the filler"
      note="The filler needs no TFT of yours: it sells as much of the lot on Uniswap as the lot costs, and pays you the rest."
    >
      {quote.data === undefined ? (
        <p className="hint">
          {quote.isPending
            ? "Asking for a quote…"
            : "There is no profit in it at this price, or no pool of both tokens."}
        </p>
      ) : (
        <Act
          label="Fill the whole rest"
          done="Filled, and the profit is paid to you."
          run={async (fog) => (await import("../wallet/filler")).fill(fog, filler, lot, quote.data)}
        >
          <p className="quote" role="status">
            Leaves you{" "}
            <Amount
              fact={`fill:${asset.address}:profit`}
              value={quote.data.profit}
              decimals={asset.decimals}
              unit={asset.symbol}
            />
            , less gas; nothing is done for less than 99 % of it.
          </p>
        </Act>
      )}
    </Section>
  );
}
