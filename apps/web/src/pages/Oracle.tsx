import { formatInstant, RootStatus } from "@turingfog/sdk";
import { useChain } from "../chain/client";
import { grouped } from "../index/grouped";
import { STATUS_TONES, statusOf } from "../index/rootStatus";
import { rowsOf, type RowsOf } from "../index/sql";
import { useView } from "../index/view";
import { linkTo } from "../routes";
import { Countdown } from "../ui/Countdown";
import { useNetwork } from "../ui/context";
import { Export } from "../ui/Export";
import { Count, Id, Instant, Word } from "../ui/Fact";
import { Figure, Figures, Problem, Section } from "../ui/parts";
import { Table, type Column } from "../ui/Table";
import { Viewed } from "../ui/Viewed";

const SELECTS = {
  roots: rowsOf(
    "roots",
    ["receiptsRoot", "dataHash", "signerSetVersion", "submittedAt", "finalAt", "transactionHash"],
    {
      nullable: ["vetoedAt", "expiredAt"],
      rest: "order by t.submitted_at desc, t.receipts_root limit 500",
    },
  ),
  sets: rowsOf("signer_sets", ["version", "quorum"], { rest: "order by t.version desc limit 1" }),
  roles: rowsOf("roles", ["role", "account", "grantedAt", "transactionHash"], {
    rest: "where t.is_held order by t.role, t.account",
  }),
  freezes: rowsOf("freezes", ["id", "from", "until", "transactionHash"], {
    nullable: ["thawedAt"],
    rest: "order by t.id desc limit 20",
  }),
  operations: rowsOf(
    "timelock_operations",
    ["id", "predecessor", "salt", "scheduledAt", "readyAt", "transactionHash"],
    {
      // all of them: whoever can schedule must not be able to push one out of sight
      rest: "where t.status = 'scheduled' order by t.ready_at, t.id",
    },
  ),
  // a root's own row has the transaction that changed it last, which may be a veto
  submissions: rowsOf("events", ["transactionHash", "args"], {
    rest: "where t.contract = 'oracle' and t.name = 'RootSubmitted' order by t.id desc limit 20",
  }),
  calls: rowsOf("timelock_calls", ["timelockOperationId", "target", "value", "data"], {
    rest: `join timelock_operations o on o.id = t.timelock_operation_id where o.status = 'scheduled'
      order by t.timelock_operation_id, t."index"`,
  }),
};

type Tables = NonNullable<ReturnType<typeof useView<typeof SELECTS>>["data"]>["tables"];
type Root = RowsOf<typeof SELECTS.roots>[number];
type Role = RowsOf<typeof SELECTS.roles>[number];
type Operation = RowsOf<typeof SELECTS.operations>[number];

export default function Oracle() {
  const view = useView(["oracle"], SELECTS);
  return (
    <Viewed view={view}>
      {({ tables }, time) => (
        <>
          <Standing tables={tables} time={time} />
          <Roots roots={tables.roots} time={time} />
          <Signers roles={tables.roles.filter(({ role }) => role === "signer")} submissions={tables.submissions} />
          <Operations operations={tables.operations} calls={tables.calls} time={time} />
          <Powers roles={tables.roles.filter(({ role }) => role !== "signer")} />
        </>
      )}
    </Viewed>
  );
}

function Standing({ tables: { roots, sets, roles, freezes }, time }: { tables: Tables; time: bigint }) {
  const { chain, addresses } = useNetwork();
  const oracle = linkTo(chain, "address", addresses.oracle);
  const statuses = roots.map((root) => statusOf(root, time));
  const frozen = freezes.find(({ until }) => BigInt(until) > time);
  const signers = roles.filter(({ role }) => role === "signer").length;
  return (
    <Figures>
      <Figure name="Roots in their veto window">
        <Count
          fact="oracle::pendingRoots"
          value={statuses.filter((each) => each === RootStatus.Pending).length}
          proof={oracle}
        />
      </Figure>
      <Figure
        name="Signatures needed"
        note={
          <>
            of <Count fact="oracle::signers" value={signers} /> signers
          </>
        }
      >
        <Count fact="oracle::quorum" value={Number(sets[0]?.quorum ?? 0)} proof={oracle} />
      </Figure>
      <Figure name="Signer set">
        <Count fact="oracle::signerSetVersion" value={BigInt(sets[0]?.version ?? 0)} proof={oracle} />
      </Figure>
      <Figure name="Network">
        {frozen === undefined ? (
          <Word fact="oracle::frozen" value="running" tone="good" />
        ) : (
          <>
            <Word fact="oracle::frozen" value="frozen" tone="bad" /> until{" "}
            <Instant
              fact="oracle::frozenUntil"
              value={BigInt(frozen.until)}
              proof={linkTo(chain, "tx", frozen.transactionHash)}
            />
          </>
        )}
      </Figure>
    </Figures>
  );
}

function Roots({ roots, time }: { roots: readonly Root[]; time: bigint }) {
  const { chain } = useNetwork();
  const columns: Column<Root>[] = [
    { head: "Root", width: 8, cell: ({ receiptsRoot }) => <Id kind="root" id={receiptsRoot} /> },
    {
      ...{ head: "Status", width: 6 },
      cell: (root) => {
        const status = statusOf(root, time);
        return (
          <Word fact={`root:${root.receiptsRoot}:status`} value={RootStatus[status]} tone={STATUS_TONES[status]} />
        );
      },
    },
    {
      ...{ head: "Submitted", width: 11.5 },
      cell: ({ receiptsRoot, submittedAt, transactionHash }) => (
        <Instant
          fact={`root:${receiptsRoot}:submittedAt`}
          value={BigInt(submittedAt)}
          proof={linkTo(chain, "tx", transactionHash)}
        />
      ),
    },
    {
      ...{ head: "Window", width: 9 },
      cell: (root) =>
        statusOf(root, time) === RootStatus.Pending ? (
          <Countdown fact={`root:${root.receiptsRoot}:window`} until={BigInt(root.finalAt)} over="has passed" />
        ) : (
          "none"
        ),
    },
    {
      ...{ head: "Final at", width: 11.5 },
      cell: ({ receiptsRoot, finalAt, vetoedAt, expiredAt }) =>
        vetoedAt !== null || expiredAt !== null ? (
          "never"
        ) : (
          <Instant
            fact={`root:${receiptsRoot}:finalAt`}
            value={BigInt(finalAt)}
            proof={linkTo(chain, "root", receiptsRoot)}
          />
        ),
    },
    { head: "File (SHA-256)", width: 9, cell: ({ dataHash }) => <Id kind="hash" id={dataHash} /> },
  ];
  return (
    <Section
      title="Roots of receipts"
      note="The latest 500. One root stands for the receipts of the whole network. Until its window has passed the guardian can veto it; then anybody can settle its receipts. A root's page checks its file."
      aside={<Export name="roots" rows={roots} />}
    >
      <Table
        label="Roots"
        count="roots::rows"
        columns={columns}
        rows={roots}
        keyOf={({ receiptsRoot }) => receiptsRoot}
        wordsOf={(root) =>
          `${root.receiptsRoot} ${root.dataHash} ${RootStatus[statusOf(root, time)]} ${formatInstant(BigInt(root.submittedAt))}`
        }
        empty="No root was submitted yet."
      />
    </Section>
  );
}

type Submission = Tables["submissions"][number];

function Signers({ roles, submissions }: { roles: readonly Role[]; submissions: readonly Submission[] }) {
  const { chain } = useNetwork();
  const hashes = submissions.map(({ transactionHash }) => transactionHash);
  const participation = useChain(["participation", ...hashes], async ({ oracle }) => {
    const { signersOf } = await import("../chain/participation");
    return Promise.all(submissions.map((each) => signersOf(oracle, each)));
  });
  const columns: Column<Role>[] = [
    { head: "Signer", width: 9, cell: ({ account }) => <Id kind="address" id={account} /> },
    {
      ...{ head: "Signer since", width: 11.5 },
      cell: ({ account, grantedAt, transactionHash }) => (
        <Instant
          fact={`signer:${account}:since`}
          value={BigInt(grantedAt)}
          proof={linkTo(chain, "tx", transactionHash)}
        />
      ),
    },
    {
      ...{ head: "Roots signed", align: "end", width: 8 },
      cell: ({ account }) =>
        participation.data === undefined ? (
          "…"
        ) : (
          <Count
            fact={`signer:${account}:signed`}
            value={participation.data.filter((each) => each.has(account)).length}
          />
        ),
    },
  ];
  return (
    <Section
      title="Signers"
      note={
        <>
          Roots signed counts the signatures that came with the latest <span data-known>{submissions.length}</span>{" "}
          roots. No more than are needed are sent, so a signer who is left out may have signed too.
        </>
      }
    >
      {participation.isError && <Problem error={participation.error} onRetry={() => void participation.refetch()} />}
      <Table
        label="Signers"
        count="oracle::signers"
        columns={columns}
        rows={roles}
        keyOf={({ account }) => account}
        empty="There are no signers."
      />
    </Section>
  );
}

function Operations({
  operations,
  calls,
  time,
}: {
  operations: readonly Operation[];
  calls: Tables["calls"];
  time: bigint;
}) {
  const { chain } = useNetwork();
  const name = ["operations", calls.length, ...operations.map(({ id }) => id)];
  const described = useChain(name, async (contracts) => {
    const { describeOperation } = await import("../chain/governance");
    const callsOf = grouped(calls, ({ timelockOperationId }) => timelockOperationId);
    return new Map(operations.map((each) => [each.id, describeOperation(contracts, each, callsOf.get(each.id) ?? [])]));
  });
  const columns: Column<Operation>[] = [
    { head: "Operation", width: 8, cell: ({ id }) => <Id kind="hash" id={id} /> },
    {
      ...{ head: "What it does", width: 14 },
      cell: ({ id }) => <span data-known>{described.data?.get(id) ?? "…"}</span>,
    },
    {
      ...{ head: "Scheduled", width: 11.5 },
      cell: ({ id, scheduledAt, transactionHash }) => (
        <Instant
          fact={`operation:${id}:scheduledAt`}
          value={BigInt(scheduledAt)}
          proof={linkTo(chain, "tx", transactionHash)}
        />
      ),
    },
    {
      ...{ head: "Can be executed", width: 11.5 },
      cell: ({ id, readyAt }) => <Instant fact={`operation:${id}:readyAt`} value={BigInt(readyAt)} />,
    },
    {
      ...{ head: "Left", width: 8 },
      cell: ({ id, readyAt }) =>
        BigInt(readyAt) <= time ? (
          "ready"
        ) : (
          <Countdown fact={`operation:${id}:left`} until={BigInt(readyAt)} over="ready" />
        ),
    },
  ];
  return (
    <Section
      title="Waiting in the timelock"
      note="What the governor has scheduled, and what is not executed or cancelled, all of it."
    >
      {described.isError && <Problem error={described.error} onRetry={() => void described.refetch()} />}
      <Table
        label="Operations"
        count="operations::rows"
        columns={columns}
        rows={operations}
        keyOf={({ id }) => id}
        empty="Nothing waits."
      />
    </Section>
  );
}

/** Roles in words. */
const ROLES: Record<string, string> = {
  guardian: "guardian: vetoes, freezes, revokes",
  operationsTreasury: "receives the share for operations",
  proposer: "proposes to the timelock",
  executor: "executes what the timelock has let ripen",
  canceller: "cancels what waits in the timelock",
  admin: "grants the timelock's roles",
};

function Powers({ roles }: { roles: readonly Role[] }) {
  const { chain } = useNetwork();
  const columns: Column<Role>[] = [
    { head: "Account", width: 9, cell: ({ account }) => <Id kind="address" id={account} /> },
    { head: "Power", width: 14, cell: ({ role }) => ROLES[role] ?? role },
    {
      ...{ head: "Since", width: 11.5 },
      cell: ({ role, account, grantedAt, transactionHash }) => (
        <Instant
          fact={`role:${role}/${account}:since`}
          value={BigInt(grantedAt)}
          proof={linkTo(chain, "tx", transactionHash)}
        />
      ),
    },
  ];
  return (
    <Section title="Powers" note="Every account that can do what others cannot.">
      <Table
        label="Powers"
        count="roles::rows"
        columns={columns}
        rows={roles}
        keyOf={({ role, account }) => `${role}/${account}`}
        empty="There are none."
      />
    </Section>
  );
}
