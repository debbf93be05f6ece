/** Says which functions were heaviest, as lines of text. */
import type { Heaviest, HeavyFunction } from '../../admin/stacks/heaviest.ts';
import { frameText } from '../../admin/stacks/source-place.ts';
import { shareText } from '../../admin/view/amounts.ts';
import { durationText } from '../../admin/words.ts';
import { type Column, tableLines } from './table.ts';

/** `who`: which threads, such as `Thread 3`. */
export function heaviestLines({ functions, lastedMs, ranMs }: Heaviest, who: string): string[] {
  if (functions.length === 0) return [`${who} ran no code for ${durationText(lastedMs)}.`];
  const columns: readonly Column<HeavyFunction>[] = [
    { title: 'SELF', isNumber: true, text: ({ selfMs }) => shareText(selfMs / ranMs) },
    { title: 'TOTAL', isNumber: true, text: ({ totalMs }) => shareText(totalMs / ranMs) },
    { title: 'FUNCTION', text: functionText },
  ];
  const head = `${who} ran code for ${durationText(ranMs)} of ${durationText(lastedMs)}: ${shareText(ranMs / lastedMs)}.`;
  return [head, '', ...tableLines(columns, functions)];
}

/** `(program)` is what V8 calls it. */
function functionText(heavy: HeavyFunction): string {
  return heavy.functionName === '(program)' ? '(program): native code, no JavaScript' : frameText(heavy);
}
