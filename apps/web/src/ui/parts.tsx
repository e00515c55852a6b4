import type { ReactNode } from "react";

/** A part of a page below a heading. */
export function Section({
  title,
  note,
  aside,
  children,
}: {
  title: string;
  note?: ReactNode;
  aside?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className="section">
      <header>
        <h2>{title}</h2>
        {aside}
      </header>
      {note !== undefined && (
        // words of the page have numbers of their own; what it has read is a fact
        <p className="note" data-known={typeof note === "string" || undefined}>
          {note}
        </p>
      )}
      {children}
    </section>
  );
}

/** Figures side by side, each below its name. */
export function Figures({ children }: { children: ReactNode }) {
  return <dl className="figures">{children}</dl>;
}

export function Figure({
  name,
  tone,
  note,
  children,
}: {
  name: string;
  tone?: string;
  note?: ReactNode;
  children: ReactNode;
}) {
  return (
    <div className={`figure ${tone ?? ""}`}>
      <dt>{name}</dt>
      <dd>{children}</dd>
      {note !== undefined && <dd className="figure-note">{note}</dd>}
    </div>
  );
}

/** Names and values one below the other. */
export function Terms({ children }: { children: ReactNode }) {
  return <dl className="terms">{children}</dl>;
}

export function Term({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="term">
      <dt data-known>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** A message in place of what could not be read. */
export function Problem({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  return (
    <div className="problem" role="alert">
      <p data-known>{error.message}</p>
      {onRetry !== undefined && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
