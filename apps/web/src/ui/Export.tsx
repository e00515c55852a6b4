import { useNetwork } from "./context";

/** A button that saves rows as CSV, as the index has them: amounts in base units. */
export function Export({ name, rows }: { name: string; rows: readonly object[] }) {
  const { chain } = useNetwork();
  const save = async () => {
    const { saveCsv } = await import("../export");
    saveCsv(`turingfog-${chain}-${name}.csv`, rows as readonly Record<string, string | null>[]);
  };
  return (
    <button type="button" className="quiet" disabled={rows.length === 0} onClick={() => void save()}>
      Save as CSV
    </button>
  );
}
