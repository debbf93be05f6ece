/** Reads and writes sizes: numbers are bytes, text is `512B`, `64KiB`, `1MiB` or `2GiB`. */

/** A size: bytes as a number, or text such as `512B`, `64KiB`, `1MiB`, `2GiB`. */
export type Size = number | `${number}${'B' | 'KiB' | 'MiB' | 'GiB'}`;

const BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** Gives the whole number of bytes that `value` says, undefined if it is no size. */
export function parseSize(value: unknown): number | undefined {
  const bytes = typeof value === 'string' ? parseText(value) : value;
  return typeof bytes === 'number' && Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : undefined;
}

function parseText(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)?$/.exec(text);
  return match === null ? undefined : Number(match[1]) * (BYTES[match[2] ?? 'B'] ?? 1);
}

/** Writes `bytes` in the largest unit that gives a whole number. */
export function formatSize(bytes: number): string {
  const unit = ['GiB', 'MiB', 'KiB'].find((name) => bytes > 0 && bytes % (BYTES[name] ?? 1) === 0);
  return unit === undefined ? `${bytes}B` : `${bytes / (BYTES[unit] ?? 1)}${unit}`;
}
