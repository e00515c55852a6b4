/**
 * Events of a range of blocks, in order. Providers bound how much they give at once, each in its own way: one that
 * refuses a range is asked for its halves.
 * @param query as `(from, to) => tft.queryFilter(tft.filters.Transfer(), from, to)`
 * @throws what the query throws for a single block
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
