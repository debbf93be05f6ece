/** What was asked of a figure, and whether it was reached. */
export interface Verdict {
  readonly what: string;
  readonly measured: string;
  readonly asked: string;
  readonly result: 'pass' | 'fail' | 'not measured';
}

const MARKS = { pass: 'pass', fail: 'FAIL', 'not measured': '????' } as const;

/** Judges `measured ≤ limit`; a NaN was not measured. */
export function atMost(what: string, measured: number, limit: number, show: (value: number) => string): Verdict {
  const result = Number.isNaN(measured) ? 'not measured' : measured <= limit ? 'pass' : 'fail';
  return { what, measured: Number.isNaN(measured) ? '–' : show(measured), asked: `≤ ${show(limit)}`, result };
}

export function renderVerdict({ what, measured, asked, result }: Verdict): string {
  return `${MARKS[result]}  ${what}: ${measured} (asked: ${asked})`;
}
