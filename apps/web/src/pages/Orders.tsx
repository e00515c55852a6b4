import { accountOf } from "../account";
import { ASSETS, Assets } from "../index/assets";
import { ordersWhere } from "../index/orders";
import { literal } from "../index/sql";
import { useView } from "../index/view";
import type { PageProps } from "../routes";
import { JointForm } from "../ui/JointForm";
import { Lookup } from "../ui/Lookup";
import { OrderTable } from "../ui/OrderTable";
import { Viewed } from "../ui/Viewed";

/** Orders that the list shows at most. */
const MOST = 1_000;

export default function Orders({ parts: [account] }: PageProps) {
  return (
    <>
      <Lookup
        key={account ?? ""}
        page="orders"
        account={account}
        what="Whose orders? The account that holds or has paid for them"
      />
      <List account={accountOf(account ?? "")} />
    </>
  );
}

function List({ account }: { account?: string }) {
  const whose = account === undefined ? "" : `where t.holder = ${literal(account)} or t.payer = ${literal(account)}`;
  const view = useView(["orders", account ?? "all"], {
    orders: ordersWhere(`${whose} order by t.started_at desc, t.id desc limit ${MOST}`),
    assets: ASSETS,
  });
  return (
    <Viewed view={view}>
      {({ tables: { orders, assets: listed } }, time) => {
        const assets = new Assets(listed);
        const taken = assets.all.filter(({ isListed }) => isListed);
        return (
          <>
            <OrderTable
              title={account === undefined ? "All orders" : "Orders of the account"}
              note="The latest 1,000. What was not delivered is refunded when an order is closed."
              count={account === undefined ? "orders::rows" : `account:${account}:orders`}
              {...{ orders, time, assets }}
              empty={account === undefined ? "No order was opened yet." : "The account has held or paid for no order."}
            />
            {taken.length > 0 && <JointForm assets={taken} />}
          </>
        );
      }}
    </Viewed>
  );
}
