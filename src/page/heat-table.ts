/** Says in words how long clients waited: what the picture of it shows, a row for each second. */
import type { Heat } from '../admin/view/frames.ts';
import { waitsOf } from '../admin/view/waits.ts';
import { durationText } from '../admin/words.ts';
import { fillTable } from './dom.ts';

const SHOWN_MS = 60_000;
/** The upper bound of each power of two of µs, in seconds. */
const BOUNDS = Array.from({ length: 40 }, (_, power) => 2 ** (power + 1) / 1e6);

/** The last second first. */
export function showHeats(heats: readonly Heat[], now: number): void {
  const shown = heats.filter(({ time }) => time <= now && time > now - SHOWN_MS).toReversed();
  const rows = shown.map(({ counts, time }) => {
    const { count, p50Ms, p99Ms } = waitsOf(counts, BOUNDS);
    const longest = counts.findLastIndex((each) => each > 0);
    const within = (ms: number | undefined): string => (ms === undefined ? '–' : durationText(ms));
    return {
      key: `${time}`,
      cells: [
        new Date(time).toTimeString().slice(0, 8),
        count.toLocaleString('en-US'),
        within(p50Ms),
        within(p99Ms),
        within(longest < 0 ? undefined : (BOUNDS[longest] ?? 0) * 1000),
      ],
    };
  });
  fillTable('heats', rows, 'No second is over yet.');
}
