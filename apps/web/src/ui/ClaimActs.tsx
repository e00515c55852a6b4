import { MOST_BUCKETS } from "@turingfog/sdk";
import { isAddress } from "ethers";
import { useState } from "react";

import { useWallets } from "../wallet/session";
import { Act } from "./Act";
import { Field } from "./Field";
import { Section } from "./parts";

/** Claims all that a miner can claim now, and says where it is paid. */
export function ClaimActs({ miner, bucketIds }: { miner: string; bucketIds: readonly bigint[] }) {
  const { session } = useWallets();
  const [to, setTo] = useState("");
  if (session === undefined) return null;
  const isOwn = session.account === miner;
  const claimed = bucketIds.slice(0, MOST_BUCKETS);
  const left = bucketIds.length - claimed.length;
  return (
    <>
      {bucketIds.length > 0 && (
        <Section
          title="Claim"
          note={
            isOwn
              ? "Pays all that is claimable to your own account."
              : "Anybody can claim for a miner: the miner is paid, or the recipient that they have set."
          }
        >
          <Act
            label={left === 0 ? "Claim all" : `Claim the first ${claimed.length} rounds`}
            done={left === 0 ? "All that was claimable is paid." : `Paid. ${left} rounds are left: claim again.`}
            run={async (fog, account) => (await import("../wallet/acts")).claim(fog, account, miner, claimed)}
          />
        </Section>
      )}
      {isOwn && (
        <Section title="Recipient" note="Where those who claim for you pay. Your own address takes it back.">
          <Act
            label="Set the recipient"
            done="The recipient is set."
            isDisabled={!isAddress(to)}
            run={async (fog) => (await import("../wallet/acts")).setRecipient(fog, to)}
          >
            <Field
              name="Recipient"
              value={to}
              onChange={setTo}
              isWrong={!isAddress(to)}
              placeholder="0x and 40 hex digits"
            />
          </Act>
        </Section>
      )}
    </>
  );
}
