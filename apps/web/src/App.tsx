import { useQuery } from "@tanstack/react-query";
import { Suspense, useEffect, useRef, type ReactNode } from "react";

import { type Network, readConfig } from "./config";
import { FIRST_PAGE, PAGES } from "./pages";
import { linkTo, useRoute } from "./routes";
import { NetworkContext } from "./ui/context";
import { Frame } from "./ui/Frame";
import { Problem } from "./ui/parts";
import { Boundary } from "./ui/Boundary";

export function App() {
  const config = useQuery({ queryKey: ["config"], queryFn: readConfig, staleTime: Infinity });
  const route = useRoute();
  if (config.isPending) return <Message>Loading…</Message>;
  if (config.isError)
    return (
      <Message>
        <Problem error={config.error} onRetry={() => void config.refetch()} />
      </Message>
    );
  const network =
    config.data.find(({ chain }) => chain === route.chain) ?? (route.chain === "" ? config.data[0] : undefined);
  if (network === undefined)
    return (
      <Message>
        <NoNetwork asked={route.chain} networks={config.data} />
      </Message>
    );
  const name = route.page === "" ? FIRST_PAGE : route.page;
  return (
    <NetworkContext value={network}>
      <Shown key={network.chain} networks={config.data} name={name} parts={route.parts} />
    </NetworkContext>
  );
}

function Shown({ networks, name, parts }: { networks: readonly Network[]; name: string; parts: readonly string[] }) {
  const page = Object.hasOwn(PAGES, name) ? PAGES[name] : undefined;
  const title = page?.title ?? "No such page";
  const heading = useRef<HTMLHeadingElement>(null);
  const place = [name, ...parts].join("/");
  const first = useRef(place);
  useEffect(() => {
    document.title = `${title} · TuringFog`;
    // whoever follows a link begins to read at the heading of where it leads
    if (first.current === place) return;
    first.current = "";
    heading.current?.focus();
    window.scrollTo(0, 0);
  }, [place, title]);
  return (
    <Frame networks={networks} current={name}>
      <h1 ref={heading} tabIndex={-1}>
        {title}
        {parts[0] !== undefined && page?.isInNavigation === false && (
          <span className="subject" data-id={parts.join("/")}>
            {" "}
            {parts.join(" · ")}
          </span>
        )}
      </h1>
      <Boundary key={place}>
        <Suspense fallback={<p className="loading">Loading…</p>}>
          {page === undefined ? <p>There is no page of this name.</p> : <page.component parts={parts} />}
        </Suspense>
      </Boundary>
    </Frame>
  );
}

function Message({ children }: { children: ReactNode }) {
  return <main className="message">{children}</main>;
}

function NoNetwork({ asked, networks }: { asked: string; networks: readonly Network[] }) {
  if (networks.length === 0) return <p>The page has no network yet: name one in config.json beside it.</p>;
  return (
    <>
      <p>This page does not show {asked}. It shows:</p>
      <ul>
        {networks.map(({ chain, title }) => (
          <li key={chain}>
            <a href={linkTo(chain, FIRST_PAGE)}>{title}</a>
          </li>
        ))}
      </ul>
    </>
  );
}
