/** What is asked of Heddle's light clients in `no-wait`, and of its burners. */
import { fixed, median } from './numbers.ts';
import { atLeast, atMost, type Verdict } from './verdict.ts';
import type { WaitFigures } from './wait-figures.ts';

export type NoWaitWindow = 'cold' | 'settling' | 'learned' | 'steady' | 'after2s' | 'first5s' | 'all';
export type NoWaitFigures = WaitFigures<'light' | 'burn', NoWaitWindow>;

export interface NoWaitCase {
  /** What the verdicts begin with. */
  readonly what: string;
  readonly lights: 'fast' | 'pauses';
  readonly burners: number;
  /** The upper end of Heddle's threads. */
  readonly most: number;
  /** Whether burners use up CPU time, so that their turns say how much of it they got. */
  readonly countsCpu: boolean;
  readonly own: NoWaitFigures;
  readonly old: NoWaitFigures;
  readonly go: NoWaitFigures;
  readonly erlang: NoWaitFigures;
}

/** By the number of burners, in ms, where lights pause. */
const PAUSED_LIMITS: Readonly<Record<number, number>> = { 1: 10, 4: 25, 16: 50 };
const AFTER_2S_MS = 25;
const FIRST_5S_MS = 300;
const AFTER_5S_MS = 50;
const MESSAGES_BY_ERLANG = 3;
const COLD_BY_ERLANG = 1.5;
const EVENNESS = 0.5;
const CPU_BY_BEFORE = 0.8;

const milliseconds = (value: number): string => `${fixed(value, 1)} ms`;
const times = (value: number): string => `${fixed(value, 2)} ×`;

/** The median wait at worst in a window. */
const worst = (figures: NoWaitFigures, window: NoWaitWindow): number => median(figures.worst(window, 'light'));

function judgePaused({ what, burners, own }: NoWaitCase): Verdict[] {
  const limit = PAUSED_LIMITS[burners];
  if (limit === undefined) return [];
  return [atMost(`${what}, worst wait after 2 s`, worst(own, 'after2s'), limit, milliseconds)];
}

/** As many burners as `most` and four more are asked for the same; beyond that they have to be learned first. */
function judgeFast({ what, burners, most, own }: NoWaitCase): Verdict[] {
  if (burners <= most + 4)
    return [atMost(`${what}, worst wait after 2 s`, worst(own, 'after2s'), AFTER_2S_MS, milliseconds)];
  return [
    atMost(`${what}, worst wait in the first 5 s`, worst(own, 'first5s'), FIRST_5S_MS, milliseconds),
    atMost(`${what}, worst wait after 5 s`, worst(own, 'steady'), AFTER_5S_MS, milliseconds),
  ];
}

function judgeByErlang({ what, lights, own, erlang }: NoWaitCase): Verdict[] {
  if (erlang.rounds === 0) return [];
  const waits = worst(own, 'after2s') / worst(erlang, 'after2s');
  const messages = median(own.rate('after2s', 'light')) / median(erlang.rate('after2s', 'light'));
  return [
    atMost(`${what}, worst wait after 2 s by Erlang's`, waits, 1, times),
    ...(lights === 'fast'
      ? [atLeast(`${what}, messages of lights by Erlang's`, messages, MESSAGES_BY_ERLANG, times)]
      : []),
  ];
}

/** A burst of more burners than threads, at a fresh server. */
function judgeCold({ what, lights, burners, most, own, go, erlang }: NoWaitCase): Verdict[] {
  if (lights !== 'fast' || burners < most + 4) return [];
  const by = (peer: NoWaitFigures): number => worst(own, 'cold') / worst(peer, 'cold');
  return [
    ...(erlang.rounds === 0
      ? []
      : [atMost(`${what}, worst wait of a cold burst by Erlang's`, by(erlang), COLD_BY_ERLANG, times)]),
    ...(go.rounds === 0 ? [] : [atMost(`${what}, worst wait of a cold burst by Go's`, by(go), 1, times)]),
  ];
}

/** Of the CPU, burners keep their share where lights leave it: those that pause do. */
function judgeBurners({ what, lights, burners, countsCpu, own, old }: NoWaitCase): Verdict[] {
  const share = median(own.rate('after2s', 'burn')) / median(old.rate('after2s', 'burn'));
  return [
    ...(burners > 1
      ? [atLeast(`${what}, fewest turns by most`, median(own.evenness('all', 'burn')), EVENNESS, times)]
      : []),
    ...(lights === 'pauses' && old.rounds > 0 && countsCpu
      ? [atLeast(`${what}, CPU of burners by that of the build before`, share, CPU_BY_BEFORE, times)]
      : []),
  ];
}

export function judgeNoWait(subject: NoWaitCase): Verdict[] {
  const waits = subject.lights === 'fast' ? judgeFast(subject) : judgePaused(subject);
  return [...waits, ...judgeByErlang(subject), ...judgeCold(subject), ...judgeBurners(subject)];
}
