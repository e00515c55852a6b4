import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { useNetwork } from "../ui/context";
import { INTERVAL, readTogether, type RowsOf, type Select, type Snapshot } from "./sql";

export interface View<T> {
  data?: Snapshot<T>;
  error: Error | null;
  refetch: () => void;
}

/**
 * Reads what a page shows, again and again.
 * @param name name of the view, unique with its parameters
 */
export function useView<S extends Record<string, Select>>(
  name: readonly unknown[],
  selects: S,
): View<{ [K in keyof S]: RowsOf<S[K]> }> {
  const { index, chain } = useNetwork();
  const query = useQuery({
    queryKey: ["view", chain, ...name],
    queryFn: ({ signal }) => readTogether(index, selects, signal),
    refetchInterval: INTERVAL,
    placeholderData: keepPreviousData,
  });
  const { data, error } = query;
  return { data, error, refetch: () => void query.refetch() };
}
