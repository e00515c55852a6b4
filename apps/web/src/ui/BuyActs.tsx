import { useState } from "react";

import { useChain } from "../chain/client";
import { quoteBuy } from "../wallet/quotes";
import { useWallets } from "../wallet/session";
import type { ShownLot } from "../wallet/shown";
import { Act } from "./Act";
import { useNetwork } from "./context";
import { Amount } from "./Fact";
import { Field, typed } from "./Field";
import { Section } from "./parts";

/** Buys from a lot, with TFT of one's own or by the filler. */
export function BuyActs({ lot }: { lot: ShownLot }) {
  const { session } = useWallets();
  const { addresses } = useNetwork();
  if (session === undefined) return null;
  return (
    <>
      <Buy lot={lot} />
      {addresses.filler !== undefined && <Fill lot={lot} filler={addresses.filler} account={session.account} />}
    </>
  );
}

function Buy({ lot }: { lot: ShownLot }) {
  const { asset, round, remaining } = lot;
  const [text, setText] = useState("");
  const { value } = typed(text, asset.decimals);
  // of the last block, as the node that tries a purchase goes by its time; the clock is ahead of it
  const price = useChain(["price", asset.address, String(round)], ({ controller }) => controller.price(asset.address), {
    isLive: true,
  }).data;
  const isWrong = value === undefined || value > remaining;
  return (
    <Section
      title={`Buy ${asset.symbol} with TFT`}
      note="You never pay more than what is shown when you press the button: the price only falls. The wallet asks twice, as just that much is approved first."
    >
      <Act
        label="Buy"
        done="Bought, and the TFT destroyed."
        isDisabled={isWrong || price === undefined}
        run={async (fog, account) => (await import("../wallet/acts")).buy(fog, account, lot, value ?? 0n, price ?? 0n)}
      >
        <Field name={`${asset.symbol} to buy`} value={text} onChange={setText} isWrong={isWrong} />
        {!isWrong && price !== undefined && <Cost lot={lot} bid={value} price={price} />}
      </Act>
    </Section>
  );
}

function Cost({ lot, bid, price }: { lot: ShownLot; bid: bigint; price: bigint }) {
  const { asset } = lot;
  const { filled, owed } = quoteBuy(lot, bid, price);
  const quote = `quote:${bid}/${price}` as const;
  return (
    <p className="quote" role="status">
      Costs now <Amount fact={`${quote}:owed`} value={owed} decimals={18} unit="TFT" />
      {filled !== bid && (
        <>
          {" "}
          for <Amount fact={`${quote}:filled`} value={filled} decimals={asset.decimals} unit={asset.symbol} />: less
          than a hundredth of the lot would be left, so the rest is sold with it
        </>
      )}
    </p>
  );
}

/** The filler sells a part of the lot on Uniswap for the TFT that the lot costs, and leaves the rest to its caller. */
function Fill({ lot, filler, account }: { lot: ShownLot; filler: string; account: string }) {
  const { asset, round, remaining } = lot;
  const name = ["fill", account, asset.address, String(round), String(remaining)];
  const quote = useChain(
    name,
    async ({ controller }) => {
      const { quoteFill } = await import("../wallet/filler");
      return quoteFill(filler, controller.runner, account, lot);
    },
    { isLive: true },
  );
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
          run={async (fog, from) => (await import("../wallet/filler")).fill(fog, from, filler, lot, quote.data)}
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
