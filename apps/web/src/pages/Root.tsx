import { isHexString } from "ethers";

import { RootStatus } from "@turingfog/sdk";
import { STATUS_TONES, statusOf } from "../index/rootStatus";
import { rowsOf, type RowsOf } from "../index/sql";
import { useView } from "../index/view";
import { linkTo, type PageProps } from "../routes";
import { Countdown } from "../ui/Countdown";
import { useNetwork } from "../ui/context";
import { Count, Id, Instant, Word } from "../ui/Fact";
import { FileCheck } from "../ui/FileCheck";
import { Term, Terms } from "../ui/parts";
import { Viewed } from "../ui/Viewed";

export default function Root({ parts: [root = ""] }: PageProps) {
  if (!isHexString(root, 32)) return <p>A root has 64 hex digits after 0x.</p>;
  return <OfHash root={root.toLowerCase()} />;
}

const rootWhere = (rest: string) =>
  rowsOf("roots", ["receiptsRoot", "dataHash", "signerSetVersion", "submittedAt", "finalAt", "transactionHash"], {
    nullable: ["vetoedAt", "expiredAt"],
    rest,
  });

type RootRow = RowsOf<ReturnType<typeof rootWhere>>[number];

function OfHash({ root }: { root: string }) {
  const view = useView(["root", root], { roots: rootWhere(`where t.receipts_root = '${root}'`) });
  return (
    <Viewed view={view}>
      {({ tables: { roots } }, now) => {
        const row = roots.at(0);
        return (
          <>
            {row === undefined ? (
              <p className="empty">The index knows of no submission of this root.</p>
            ) : (
              <RootTerms root={row} now={now} />
            )}
            {/* what was said of a file does not hold for another */}
            <FileCheck key={`${root}/${row?.dataHash}`} root={root} />
          </>
        );
      }}
    </Viewed>
  );
}

function RootTerms({ root, now }: { root: RootRow; now: bigint }) {
  const { chain } = useNetwork();
  const { receiptsRoot, transactionHash } = root;
  const proof = linkTo(chain, "tx", transactionHash);
  const status = statusOf(root, now);
  const subject = `root:${receiptsRoot}` as const;
  return (
    <Terms>
      <Term name="Status">
        <Word fact={`${subject}:status`} value={RootStatus[status]} tone={STATUS_TONES[status]} />
      </Term>
      {status === RootStatus.Pending && (
        <Term name="Veto window">
          <Countdown fact={`${subject}:window`} until={BigInt(root.finalAt)} over="has passed" />
        </Term>
      )}
      <Term name="Submitted">
        <Instant fact={`${subject}:submittedAt`} value={BigInt(root.submittedAt)} proof={proof} />
      </Term>
      <Term
        name={status === RootStatus.Vetoed || status === RootStatus.Expired ? "Would have been final at" : "Final at"}
      >
        <Instant fact={`${subject}:finalAt`} value={BigInt(root.finalAt)} proof={proof} />
      </Term>
      {root.vetoedAt !== null && (
        <Term name="Vetoed">
          <Instant fact={`${subject}:vetoedAt`} value={BigInt(root.vetoedAt)} proof={proof} />
        </Term>
      )}
      <Term name="Signer set">
        <Count fact={`${subject}:signerSetVersion`} value={BigInt(root.signerSetVersion)} proof={proof} />
      </Term>
      <Term name="File (SHA-256)">
        <Id kind="hash" id={root.dataHash} label={root.dataHash} />
      </Term>
    </Terms>
  );
}
