/** A row of the table: a fault, what is asked, and what was measured. */
export interface Row {
  readonly fault: string;
  readonly asked: string;
  run(): Promise<Measured>;
}

export interface Measured {
  readonly measured: string;
  readonly passed: boolean;
}

/** Looks until `look` gives true, for at most `ms`; tells whether it did. */
export async function within(ms: number, look: () => boolean | Promise<boolean>): Promise<boolean> {
  const end = performance.now() + ms;
  do {
    if (await look()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  } while (performance.now() < end);
  return false;
}

/** The value that `share` (0 to 1) of `values` do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
