import { isHexString } from "ethers";
import { useState } from "react";

import { depositOf, gpuSecondsOf, HOUR } from "@turingfog/sdk";
import type { Asset } from "../index/assets";
import { PaymentRefs } from "../wallet/paymentRefs";
import { useWallets } from "../wallet/session";
import { Act, type Run } from "./Act";
import { Amount, Count } from "./Fact";
import { Field, typed } from "./Field";
import { Section } from "./parts";

/** What a node offers in one asset. */
export interface Offered {
  asset: Asset;
  unitPrice: bigint;
  capacityTU: bigint;
}

interface Props {
  nodeId: string;
  /** TU a day of one GPU, and GPUs. */
  rating: bigint;
  gpuCount: bigint;
  offers: readonly Offered[];
}

const MAX_HOURS = 8_784n;

/** Orders compute of a node: what it costs is shown before anything is signed. */
export function OrderForm({ nodeId, rating, gpuCount, offers }: Props) {
  const [chosen, setChosen] = useState(offers[0].asset.address);
  const [tuText, setTu] = useState("");
  const [hoursText, setHours] = useState("24");
  const [refs] = useState(() => new PaymentRefs());
  const [jobHash, setJobHash] = useState("");
  const [isApproved, setIsApproved] = useState(false);
  const isSafe = useWallets().session?.wallet.safe !== undefined;
  const offer = offers.find(({ asset }) => asset.address === chosen) ?? offers[0];
  const tu = typed(tuText, 18).value;
  const hours = /^\d{1,4}$/.test(hoursText) ? BigInt(hoursText) : 0n;
  const obstacle = obstacleTo({ tu, hours, jobHash, capacityTU: offer.capacityTU });
  const run: Run = async (fog, account) => {
    const { openOrder } = await import("../wallet/acts");
    const paymentRef = refs.of(nodeId, offer.asset.address, tu ?? 0n, hours, jobHash);
    const terms = {
      nodeId: BigInt(nodeId),
      asset: offer.asset.address,
      tuAmount: tu ?? 0n,
      maxUnitPrice: offer.unitPrice,
    };
    return openOrder(
      fog,
      account,
      { ...terms, duration: hours * HOUR, paymentRef, ...(jobHash === "" ? {} : { jobHash }) },
      // a Safe signs no permit
      isApproved || isSafe,
      offer.asset,
    );
  };
  return (
    <Section
      title="Order from this node"
      note="The deposit is what the order can cost at most: what is not delivered comes back when the order is closed. The job itself is sealed and sent by the command line; its hash ties it to the order."
    >
      <Act
        label="Pay the deposit and open the order"
        run={run}
        done="The order is open."
        isDisabled={obstacle !== undefined}
      >
        <div className="fields">
          <label className="field">
            <span>Paid in</span>
            <select value={chosen} onChange={({ target }) => setChosen(target.value)}>
              {offers.map(({ asset }) => (
                <option key={asset.address} value={asset.address}>
                  {asset.symbol}
                </option>
              ))}
            </select>
          </label>
          <Field
            name="TU to buy"
            value={tuText}
            onChange={setTu}
            isWrong={tu === undefined}
            placeholder="such as 0.5"
          />
          <Field
            name="Hours until it ends"
            value={hoursText}
            onChange={setHours}
            isWrong={hours === 0n || hours > MAX_HOURS}
          />
          <Field
            name="SHA-256 of the sealed job"
            value={jobHash}
            onChange={setJobHash}
            isWrong={!isHexString(jobHash, 32)}
            placeholder="none"
          />
        </div>
        {!isSafe && (
          <label className="choice">
            <input type="checkbox" checked={isApproved} onChange={({ target }) => setIsApproved(target.checked)} />
            <span>Approve the deposit in a transaction of its own, for an asset or a wallet without permits</span>
          </label>
        )}
        {tu !== undefined && <Quote {...{ tu, offer, rating, gpuCount }} />}
        {obstacle !== undefined && tuText !== "" && (
          <p className="hint" data-known>
            {obstacle}
          </p>
        )}
      </Act>
    </Section>
  );
}

interface Terms {
  tu?: bigint;
  hours: bigint;
  jobHash: string;
  capacityTU: bigint;
}

/** Says why an order cannot be opened so; nothing if it can. */
function obstacleTo({ tu, hours, jobHash, capacityTU }: Terms): string | undefined {
  if (tu === undefined) return "TU must be a number above zero, with at most 18 decimals.";
  if (tu > capacityTU) return "The node has not so many TU left on offer.";
  if (hours === 0n || hours > MAX_HOURS) return "An order runs from 1 hour to 366 days.";
  if (jobHash !== "" && !isHexString(jobHash, 32)) return "A SHA-256 is 0x followed by 64 hex digits.";
  return undefined;
}

interface Quoted {
  tu: bigint;
  offer: Offered;
  rating: bigint;
  gpuCount: bigint;
}

/** What an order costs at most, and how long the node needs for it. */
function Quote({ tu, offer: { asset, unitPrice }, rating, gpuCount }: Quoted) {
  const seconds = gpuSecondsOf(tu, rating) / gpuCount;
  return (
    <p className="quote" role="status">
      The deposit is{" "}
      <Amount
        fact={`quote:${tu}/${unitPrice}:deposit`}
        value={depositOf(tu, unitPrice)}
        decimals={asset.decimals}
        unit={asset.symbol}
      />
      . The node needs{" "}
      <Count fact={`quote:${tu}/${rating}/${gpuCount}:minutes`} value={(seconds + 59n) / 60n} unit="minutes" /> for it
      with all of its GPUs.
    </p>
  );
}
