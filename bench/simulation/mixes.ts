/** Knows the kinds of clients that light ones are put beside. */
import type { Behaviour, Message } from './client.ts';
import type { Random } from '../../src/load/random.ts';

export const MIXES = ['heavy', 'unknown', 'bimodal', 'blocking', 'mixed'] as const;
export type Mix = (typeof MIXES)[number];

/** Clients that behave alike. */
export interface Group {
  readonly behaviour: Behaviour;
  readonly count: number;
  /** All of them have the same address. */
  readonly isOneAddress: boolean;
  /** Others like them come each second. */
  readonly isRecurring: boolean;
}

const NOTHING: Message = { cpuMs: 0, blockMs: 0 };
const HEAVY: Message = { cpuMs: 200, blockMs: 0 };
const BLOCKING: Message = { cpuMs: 0, blockMs: 200 };
const SLOW: Message = { cpuMs: 40, blockMs: 0 };
/** One in so many messages of a bimodal client is slow. */
const SELDOM = 8;
/** From one reply to the next message of a client that does not pause, in ms: the way there and back. */
const ROUND_TRIP_MS = 0.03;
/** How many messages light clients send together at most, each ms. */
const MOST_LIGHT = 10;

const atOnce = (): number => ROUND_TRIP_MS;

/** `count` light clients that say a line every 10 ms, or less often if they are many, or at once. */
export function lights(count: number, isFast: boolean, random: Random): Group {
  const mean = Math.max(10, count / MOST_LIGHT);
  const pause = isFast ? atOnce : () => mean * (0.5 + random());
  return group(count, { kind: 'light', draw: () => NOTHING, pause, asks: Infinity });
}

/** `count` clients of `mix` that light ones are put beside. */
export function neighbours(mix: Mix, count: number, random: Random): readonly Group[] {
  if (mix === 'mixed') {
    const share = Math.ceil(count / 4);
    return MIXES.filter((one) => one !== 'mixed').flatMap((one) => neighbours(one, share, random));
  }
  if (mix === 'heavy')
    return [
      group(
        count,
        heavy(() => HEAVY),
      ),
    ];
  if (mix === 'blocking')
    return [
      group(
        count,
        heavy(() => BLOCKING),
      ),
    ];
  if (mix === 'bimodal')
    return [
      group(
        count,
        heavy(() => (random() * SELDOM < 1 ? SLOW : NOTHING)),
      ),
    ];
  return [{ ...group(count, { ...heavy(() => HEAVY), asks: 1 }), isOneAddress: true, isRecurring: true }];
}

function heavy(draw: () => Message): Behaviour {
  return { kind: 'heavy', draw, pause: atOnce, asks: Infinity };
}

function group(count: number, behaviour: Behaviour): Group {
  return { behaviour, count, isOneAddress: false, isRecurring: false };
}
