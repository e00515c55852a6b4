import { linkTo } from "../routes";
import { useNetwork } from "./context";
import { Amount, Count, type FactName, Id } from "./Fact";
import { Section } from "./parts";
import { Table, type Column } from "./Table";

interface NodeRow {
  id: string;
  gpuCount: string;
  ratePerDay: string;
  gpuModelName: string | null;
}

/** Nodes in short. */
export function NodeList({ nodes, count, empty }: { nodes: readonly NodeRow[]; count: FactName; empty: string }) {
  const { chain } = useNetwork();
  const columns: Column<NodeRow>[] = [
    { head: "Node", cell: ({ id }) => <Id kind="node" id={id} /> },
    {
      head: "GPUs",
      cell: ({ id, gpuCount, gpuModelName }) => (
        <span>
          <Count fact={`node:${id}:gpuCount`} value={BigInt(gpuCount)} /> ×{" "}
          <span data-known>{gpuModelName ?? "another model"}</span>
        </span>
      ),
    },
    {
      ...{ head: "Speed", align: "end" },
      cell: ({ id, ratePerDay }) => (
        <Amount
          fact={`node:${id}:ratePerDay`}
          value={BigInt(ratePerDay)}
          decimals={18}
          unit="TU a day"
          proof={linkTo(chain, "node", id)}
        />
      ),
    },
  ];
  return (
    <Section title="Nodes">
      <Table label="Nodes" count={count} columns={columns} rows={nodes} keyOf={({ id }) => id} empty={empty} />
    </Section>
  );
}
