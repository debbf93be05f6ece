/** Reads and writes durations: numbers are milliseconds, text is `250ms`, `30s`, `5m` or `1h`. */

/** A duration: milliseconds as a number, or text such as `250ms`, `30s`, `5m`, `1h`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h'}` | 'never';

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `setTimeout` fires at once for anything longer than this (a signed 32-bit number of milliseconds). */
export const MAX_DURATION_MS = 2 ** 31 - 1;

/** Gives the milliseconds that `value` says, Infinity for `Infinity` and `never`, undefined if it is no duration. */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return value >= 0 ? value : undefined;
  if (typeof value !== 'string') return undefined;
  if (value === 'never' || value === 'Infinity') return Infinity;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(value);
  return match === null ? undefined : Number(match[1]) * (MILLISECONDS[match[2] ?? 'ms'] ?? 1);
}

/** Writes `milliseconds` in the largest unit that gives a whole number. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === Infinity) return 'never';
  const unit = ['h', 'm', 's'].find((name) => milliseconds > 0 && milliseconds % (MILLISECONDS[name] ?? 1) === 0);
  return unit === undefined ? `${milliseconds}ms` : `${milliseconds / (MILLISECONDS[unit] ?? 1)}${unit}`;
}
