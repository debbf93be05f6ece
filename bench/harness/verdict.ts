/** What was asked of a figure, and whether it was reached. */
export interface Verdict {
  readonly what: string;
  readonly measured: string;
  readonly asked: string;
  readonly result: 'pass' | 'fail' | 'not measured';
}

const MARKS = { pass: 'pass', fail: 'FAIL', 'not measured': '????' } as const;

type Show = (value: number) => string;

function judge(what: string, measured: number, holds: boolean, asked: string, show: Show): Verdict {
  const result = Number.isNaN(measured) ? 'not measured' : holds ? 'pass' : 'fail';
  return { what, measured: Number.isNaN(measured) ? '–' : show(measured), asked, result };
}

/** Judges `measured ≤ limit`; a NaN was not measured. */
export function atMost(what: string, measured: number, limit: number, show: Show): Verdict {
  return judge(what, measured, measured <= limit, `≤ ${show(limit)}`, show);
}

/** Judges `measured ≥ limit`; a NaN was not measured. */
export function atLeast(what: string, measured: number, limit: number, show: Show): Verdict {
  return judge(what, measured, measured >= limit, `≥ ${show(limit)}`, show);
}

export function renderVerdict({ what, measured, asked, result }: Verdict): string {
  return `${MARKS[result]}  ${what}: ${measured} (asked: ${asked})`;
}
