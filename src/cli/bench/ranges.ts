/** Reads two values of an option, such as `1000..20000`. */

import { HeddleError } from '../../errors.ts';
import { formatSize, parseSize } from '../../options/values/size.ts';

export interface Range {
  readonly from: number;
  readonly to: number;
}

const HIGHEST_RATE = 10_000_000;
const [SMALLEST_SIZE, LARGEST_SIZE] = [16, 2 ** 26];

/** Reads `1000..20000`: messages a second at the beginning and at the end. Throws HEDDLE_INVALID_OPTION. */
export function parseRamp(text: string): Range {
  const range = parseRange(text, (end) => (/^\d+$/.test(end) ? Number(end) : undefined));
  if (range !== undefined && [range.from, range.to].every((rate) => rate >= 1 && rate <= HIGHEST_RATE)) return range;
  throw invalid(`--ramp must be two rates from 1 to ${HIGHEST_RATE}, such as 1000..20000`, text);
}

/** Reads `64`, `4KiB` or `64..4KiB`. Throws HEDDLE_INVALID_OPTION. */
export function parseSizes(text: string): Range {
  const size = parseSize(text);
  const range = size === undefined ? parseRange(text, parseSize) : { from: size, to: size };
  if (range !== undefined && range.from >= SMALLEST_SIZE && range.to >= range.from && range.to <= LARGEST_SIZE)
    return range;
  const sizes = `from ${formatSize(SMALLEST_SIZE)} to ${formatSize(LARGEST_SIZE)}`;
  throw invalid(`--size must be a size ${sizes}, such as 4KiB, or a smaller and a larger one, such as 64..4KiB`, text);
}

function parseRange(text: string, read: (end: string) => number | undefined): Range | undefined {
  const [, first = '', last = ''] = /^(.+?)\.\.(.+)$/.exec(text) ?? [];
  const [from, to] = [read(first), read(last)];
  return from === undefined || to === undefined ? undefined : { from, to };
}

function invalid(expected: string, text: string): HeddleError {
  return new HeddleError('HEDDLE_INVALID_OPTION', `${expected}, got ${JSON.stringify(text)}`);
}
