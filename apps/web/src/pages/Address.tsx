import { getAddress } from "ethers";

import { accountOf } from "../account";
import { explorerOf } from "../config";
import { ASSETS, Assets } from "../index/assets";
import { ordersWhere } from "../index/orders";
import { rowsOf } from "../index/sql";
import { useView } from "../index/view";
import { linkTo, type PageProps } from "../routes";
import { useNetwork } from "../ui/context";
import { Amount, Id, Instant } from "../ui/Fact";
import { NodeList } from "../ui/NodeList";
import { OrderTable } from "../ui/OrderTable";
import { Section, Term, Terms } from "../ui/parts";
import { Table, type Column } from "../ui/Table";
import { Viewed } from "../ui/Viewed";

/** Anybody can register nodes that pay to an account. */
const MOST_NODES = 500;

export default function Address({ parts: [address = ""] }: PageProps) {
  const account = accountOf(address);
  if (account === undefined) return <p>An address has 40 hex digits after 0x.</p>;
  return <OfAccount account={account} />;
}

function OfAccount({ account }: { account: string }) {
  const is = (column: string) => `t.${column} = '${account}'`;
  const view = useView(["address", account], {
    balances: rowsOf("tft_balances", ["balance"], { rest: `where ${is("account")}` }),
    roles: rowsOf("roles", ["role"], { rest: `where ${is("account")} and t.is_held order by t.role` }),
    nodes: rowsOf("nodes", ["id", "gpuCount", "ratePerDay"], {
      nullable: ["gpuModelName"],
      rest: `where ${is("owner")} or ${is("payout")} order by t.id limit ${MOST_NODES}`,
    }),
    orders: ordersWhere(`where ${is("holder")} or ${is("payer")} order by t.started_at desc, t.id desc limit 500`),
    transfers: rowsOf("tft_transfers", ["id", "from", "to", "amount", "time", "transactionHash"], {
      rest: `where ${is("from")} or ${is("to")} order by t.id desc limit 200`,
    }),
    assets: ASSETS,
  });
  return (
    <Viewed view={view}>
      {({ tables }, now) => (
        <>
          <Account
            account={account}
            balance={BigInt(tables.balances.at(0)?.balance ?? 0)}
            roles={tables.roles.map(({ role }) => role)}
          />
          {tables.nodes.length > 0 && <NodeList nodes={tables.nodes} count={`account:${account}:nodes`} empty="" />}
          {tables.nodes.length === MOST_NODES && (
            <p className="note" data-known>
              Only the first {MOST_NODES} nodes are shown.
            </p>
          )}
          {tables.orders.length > 0 && (
            <OrderTable
              title="Orders"
              note="The latest 500 that the account holds, has held last or has paid for."
              orders={tables.orders}
              count={`account:${account}:orders`}
              {...{ assets: new Assets(tables.assets), time: now, empty: "" }}
            />
          )}
          <Transfers account={account} transfers={tables.transfers} />
        </>
      )}
    </Viewed>
  );
}

function Account({ account, balance, roles }: { account: string; balance: bigint; roles: readonly string[] }) {
  const network = useNetwork();
  const { chain, addresses } = network;
  const contract = Object.entries(addresses).find(([, address]) => address?.toLowerCase() === account)?.[0];
  const explorer = explorerOf(network, "address", getAddress(account));
  return (
    <Terms>
      <Term name="TFT">
        <Amount
          fact={`account:${account}:tft`}
          value={balance}
          decimals={18}
          unit="TFT"
          proof={linkTo(chain, "address", addresses.tft)}
        />
      </Term>
      {contract !== undefined && <Term name="Contract of TuringFog">{contract}</Term>}
      {roles.length > 0 && <Term name="Powers">{roles.join(", ")}</Term>}
      <Term name="Mining">
        <a href={linkTo(chain, "mining", account)}>What it earns as a miner</a>
      </Term>
      {explorer !== undefined && (
        <Term name="Explorer">
          <a href={explorer} rel="noreferrer">
            The account on the explorer
          </a>
        </Term>
      )}
    </Terms>
  );
}

interface Transfer {
  id: string;
  from: string;
  to: string;
  amount: string;
  time: string;
  transactionHash: string;
}

const ZERO = /^0x0+$/;

function Transfers({ account, transfers }: { account: string; transfers: readonly Transfer[] }) {
  const { chain } = useNetwork();
  const tx = ({ transactionHash }: Transfer) => linkTo(chain, "tx", transactionHash);
  const columns: Column<Transfer>[] = [
    {
      ...{ head: "When", width: 11.5 },
      cell: (row) => <Instant fact={`event:${row.id}:time`} value={BigInt(row.time)} proof={tx(row)} />,
    },
    {
      ...{ head: "From or to", width: 10 },
      cell: ({ from, to }) => {
        const other = from === account ? to : from;
        const word = from === account ? "to " : "from ";
        if (ZERO.test(other)) return from === account ? "burned" : "minted";
        return (
          <span>
            {word}
            <Id kind="address" id={other} />
          </span>
        );
      },
    },
    {
      ...{ head: "TFT", align: "end", width: 10 },
      cell: (row) => (
        <Amount fact={`event:${row.id}:value`} value={BigInt(row.amount)} decimals={18} unit="TFT" proof={tx(row)} />
      ),
    },
  ];
  return (
    <Section title="TFT that moved" note="The latest 200 transfers.">
      <Table
        label="Transfers of TFT"
        count={`account:${account}:transfers`}
        columns={columns}
        rows={transfers}
        keyOf={({ id }) => id}
        wordsOf={({ from, to, transactionHash }) => `${from} ${to} ${transactionHash}`}
        empty="The account never had any TFT."
      />
    </Section>
  );
}
