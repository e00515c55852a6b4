/** A time in unix seconds, as the parameter files write it: 2027-01-01T00:00:00Z. */
export function formatInstant(time: bigint): string {
  return new Date(Number(time) * 1_000).toISOString().replace(".000Z", "Z");
}
