import type { ReactNode } from "react";

import { explorerOf, type Network } from "../config";
import { FIRST_PAGE, PAGES } from "../pages";
import { linkTo } from "../routes";
import { useNetwork } from "./context";
import { WalletMenu } from "./WalletMenu";

/** What surrounds each page: the name, the token's address, the networks and the navigation. */
export function Frame({
  networks,
  current,
  children,
}: {
  networks: readonly Network[];
  current: string;
  children: ReactNode;
}) {
  const network = useNetwork();
  const { chain, addresses } = network;
  return (
    <>
      <a
        className="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("main")?.focus();
        }}
      >
        Skip to the content
      </a>
      <header className="top">
        <div className="bar">
          <a className="brand" href={linkTo(chain, FIRST_PAGE)}>
            <Mark />
            <span>TuringFog</span>
          </a>
          <p className="token">
            <span>TFT on {network.title}</span>{" "}
            <a href={explorerOf(network, "address", addresses.tft) ?? linkTo(chain, "address", addresses.tft)}>
              <span className="id" data-id={addresses.tft}>
                {addresses.tft}
              </span>
            </a>
          </p>
          <WalletMenu />
          {networks.length > 1 && <Networks networks={networks} current={current} />}
        </div>
        <nav aria-label="Pages">
          <ul>
            {Object.entries(PAGES)
              .filter(([, { isInNavigation }]) => isInNavigation)
              .map(([name, { title }]) => (
                <li key={name}>
                  <a href={linkTo(chain, name)} aria-current={name === current ? "page" : undefined}>
                    {title}
                  </a>
                </li>
              ))}
          </ul>
        </nav>
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <footer>
        <p>
          Another token has the same ticker. TFT of TuringFog is the contract whose address stands above, and no other.
        </p>
        <p>Every number is of the block that its page names, and links to what proves it.</p>
      </footer>
    </>
  );
}

function Networks({ networks, current }: { networks: readonly Network[]; current: string }) {
  const { chain } = useNetwork();
  return (
    <label className="networks">
      <span>Network</span>
      <select
        value={chain}
        onChange={({ target }) => {
          window.location.hash = linkTo(target.value, current);
        }}
      >
        {networks.map((each) => (
          <option key={each.chain} value={each.chain}>
            {each.title}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The sun behind three banks of fog. */
function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" aria-hidden="true">
      <circle cx="16" cy="12" r="7" className="sun" />
      <path d="M3 17h19M9 22h20M5 27h16" className="banks" />
    </svg>
  );
}
