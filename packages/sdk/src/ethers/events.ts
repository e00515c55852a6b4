/**
 * Returns the events of a range of blocks, in order. Providers limit how much they return at once, each in its own way.
 * If a provider refuses a range, this asks for each half of it.
 * @param query as `(from, to) => tft.queryFilter(tft.filters.Transfer(), from, to)`
 * @throws the query's error for a single block
 */
export async function eventsIn<E>(
  query: (from: number, to: number) => Promise<E[]>,
  from: number,
  to: number,
): Promise<E[]> {
  try {
    return await query(from, to);
  } catch (error) {
    if (from >= to) throw error;
    const middle = Math.floor((from + to) / 2);
    const earlier = await eventsIn(query, from, middle);
    return [...earlier, ...(await eventsIn(query, middle + 1, to))];
  }
}
