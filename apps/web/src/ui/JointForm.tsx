import { useState } from "react";

import { depositOf, HOUR } from "@turingfog/sdk";
import type { Asset } from "../index/assets";
import { PaymentRefs } from "../wallet/paymentRefs";
import { useWallets } from "../wallet/session";
import { Act, type Run } from "./Act";
import { Amount } from "./Fact";
import { Field, typed } from "./Field";
import { Section } from "./parts";

const MAX_HOURS = 8_784n;

/** Orders compute of all attested nodes together, at a price that the renter names. */
export function JointForm({ assets }: { assets: readonly Asset[] }) {
  const { session } = useWallets();
  const [chosen, setChosen] = useState(assets[0].address);
  const [tuText, setTu] = useState("");
  const [priceText, setPrice] = useState("");
  const [hoursText, setHours] = useState("24");
  const [refs] = useState(() => new PaymentRefs());
  if (session === undefined) return null;
  const asset = assets.find(({ address }) => address === chosen) ?? assets[0];
  const tu = typed(tuText, 18).value;
  const price = typed(priceText, asset.decimals).value;
  const hours = /^\d{1,4}$/.test(hoursText) ? BigInt(hoursText) : 0n;
  const isWrong = tu === undefined || price === undefined || hours === 0n || hours > MAX_HOURS;
  const run: Run = async (fog, account) => {
    const { openOrder } = await import("../wallet/acts");
    const paymentRef = refs.of(asset.address, tu ?? 0n, price ?? 0n, hours);
    const terms = {
      asset: asset.address,
      tuAmount: tu ?? 0n,
      maxUnitPrice: price ?? 0n,
      duration: hours * HOUR,
      paymentRef,
    };
    // a Safe signs no permit
    return openOrder(fog, account, terms, session.wallet.safe !== undefined, asset);
  };
  return (
    <Section
      title="Open a joint order"
      note="Every node that is attested now may work on it, and each is paid for what its receipts show. You name the price for a TU."
    >
      <Act
        label="Pay the deposit and open the joint order"
        run={run}
        done="The joint order is open."
        isDisabled={isWrong}
      >
        <div className="fields">
          <label className="field">
            <span>Paid in</span>
            <select value={chosen} onChange={({ target }) => setChosen(target.value)}>
              {assets.map(({ address, symbol }) => (
                <option key={address} value={address}>
                  {symbol}
                </option>
              ))}
            </select>
          </label>
          <Field name="TU to buy" value={tuText} onChange={setTu} isWrong={tu === undefined} placeholder="such as 20" />
          <Field
            name={`${asset.symbol} for a TU`}
            value={priceText}
            onChange={setPrice}
            isWrong={price === undefined}
          />
          <Field
            name="Hours until it ends"
            value={hoursText}
            onChange={setHours}
            isWrong={hours === 0n || hours > MAX_HOURS}
          />
        </div>
        {tu !== undefined && price !== undefined && (
          <p className="quote" role="status">
            The deposit is{" "}
            <Amount
              fact={`quote:${tu}/${price}:deposit`}
              value={depositOf(tu, price)}
              decimals={asset.decimals}
              unit={asset.symbol}
            />
            . What is not delivered comes back.
          </p>
        )}
      </Act>
    </Section>
  );
}
