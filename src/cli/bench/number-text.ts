/** Writes numbers and durations for a person. */

/** `1234567` as `1,234,567`. */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Milliseconds with three digits that count. */
export function millisecondsText(ms: number | null): string {
  if (ms === null) return '–';
  if (ms >= 100) return grouped(ms);
  return ms >= 10 ? ms.toFixed(1) : ms >= 1 ? ms.toFixed(2) : ms.toFixed(3);
}

/** Milliseconds as microseconds, such as of CPU time for each reply. */
export function microsecondsText(ms: number): string {
  return (ms * 1000).toFixed(1);
}
