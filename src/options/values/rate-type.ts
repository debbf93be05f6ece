/** Reads rates: how many messages a client may send, such as `100/s` or `600/m,burst=20,over=close`. */

import * as v from 'valibot';
import { typeNote } from '../schema.ts';
import { show } from '../show.ts';
import { type FullRate, intervalOf, OVER_RATES, RATED_BY, type RateInput } from './rate.ts';
import { anything, refuse } from './value-types.ts';

/** Beyond it a message costs less than to count it. */
const MOST_IN_A_SECOND = 1_000_000;
const MOST_AT_ONCE = 1_000_000;

/** In a burst's time a moment of 32 bits of ms must not go round: see `RateCells`. */
const LONGEST_BURST_MS = 20 * 24 * 3_600_000;

const EXPECTED = 'must be a rate such as 100/s, 6000/m or 1000/h';

/** A rate, or none. */
export function rate(): v.GenericSchema<RateInput, FullRate | 'none'> {
  return v.pipe(
    anything<RateInput>(),
    v.rawTransform((context): FullRate | 'none' => {
      const { value } = context.dataset;
      if (value === 'none') return value;
      const read = typeof value === 'string' ? fromText(value) : value;
      return typeof read === 'object' && read !== null && !Array.isArray(read)
        ? full(read, (problem) => refuse(context, problem))
        : refuse(context, `${EXPECTED}, or none, got ${show(value)}`);
    }),
    typeNote({ form: 'N/s|m|h[,burst=N][,over=wait|close][,by=client|address]' }),
  );
}

/** Gives what the text says, whether it can be or not. */
function fromText(text: string): Readonly<Record<string, unknown>> | undefined {
  const [messages, ...rest] = text.split(',');
  const pairs = rest.map((part) => /^([a-z]+)=(.+)$/.exec(part));
  if (pairs.includes(null)) return undefined;
  const entries = pairs.map((pair): [string, unknown] => [pair?.[1] ?? '', valueOf(pair?.[2] ?? '')]);
  return { messages, ...Object.fromEntries(entries) };
}

function valueOf(text: string): unknown {
  return /^-?\d+$/.test(text) ? Number(text) : text;
}

function full(given: object, refused: (problem: string) => never): FullRate {
  const { messages, burst: asked, over = 'wait', by = 'client', ...others } = given as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return refused(`has messages, burst, over and by, and no ${show(unknown)}`);
  const interval = intervalOf(messages);
  if (interval === 0) return refused(`${EXPECTED}, got ${show(messages)}`);
  if (interval < 1000 / MOST_IN_A_SECOND)
    return refused(`must be at most ${MOST_IN_A_SECOND}/s, got ${show(messages)}`);
  const burst = asked ?? Math.min(MOST_AT_ONCE, Number.parseInt(String(messages), 10));
  if (!isCount(burst)) return refused(`must have a burst from 1 to ${MOST_AT_ONCE} messages, got ${show(burst)}`);
  const most = Math.floor(LONGEST_BURST_MS / interval);
  if (burst > most)
    return refused(`must have a burst of at most ${most}, which takes 20 days at ${String(messages)}, got ${burst}`);
  if (!isOneOf(over, OVER_RATES)) return refused(`must have over=wait or over=close, got ${show(over)}`);
  if (!isOneOf(by, RATED_BY)) return refused(`must have by=client or by=address, got ${show(by)}`);
  return { messages: String(messages), burst, over, by };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= MOST_AT_ONCE;
}

function isOneOf<const Name extends string>(value: unknown, names: readonly Name[]): value is Name {
  return (names as readonly unknown[]).includes(value);
}
