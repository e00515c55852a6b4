import { lazy, type ComponentType } from "react";

import { SupplyPage } from "./pages/Supply";
import type { PageProps } from "./routes";

/** A page: its title, its place in the navigation if it has one, and what draws it from the parts of its link. */
export interface Page {
  title: string;
  isInNavigation: boolean;
  component: ComponentType<PageProps>;
}

/** Every page by its name in links; the first is where the page begins, and comes with it. */
export const PAGES: Readonly<Record<string, Page>> = {
  supply: { title: "Supply", isInNavigation: true, component: SupplyPage },
  market: { title: "Market", isInNavigation: true, component: lazy(() => import("./pages/Market")) },
  auctions: { title: "Auctions", isInNavigation: true, component: lazy(() => import("./pages/Auctions")) },
  oracle: { title: "Oracle", isInNavigation: true, component: lazy(() => import("./pages/Oracle")) },
  mining: { title: "Mining", isInNavigation: true, component: lazy(() => import("./pages/Mining")) },
  orders: { title: "Orders", isInNavigation: true, component: lazy(() => import("./pages/Orders")) },
  order: { title: "Order", isInNavigation: false, component: lazy(() => import("./pages/Order")) },
  node: { title: "Node", isInNavigation: false, component: lazy(() => import("./pages/Node")) },
  round: { title: "Round", isInNavigation: false, component: lazy(() => import("./pages/Round")) },
  root: { title: "Root", isInNavigation: false, component: lazy(() => import("./pages/Root")) },
  address: { title: "Address", isInNavigation: false, component: lazy(() => import("./pages/Address")) },
  tx: { title: "Transaction", isInNavigation: false, component: lazy(() => import("./pages/Transaction")) },
};

export const FIRST_PAGE = "supply";
