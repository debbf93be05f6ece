/** Used to read the value of one option: what it may be, in code and as text, and what to say when it is neither. */

import { type Duration, formatDuration, LONGEST_DURATION, parseDuration } from './duration.ts';
import { Expected } from './expected.ts';
import { formatSize, parseSize, type Size } from './size.ts';

/** `Input` is what a user may write, `Setting` what the program gets. */
export interface Kind<Input, Setting> {
  /** How help and documentation show a value. */
  readonly form: string;
  /** Gives the setting; throws `Expected`. A setting, read again, is itself. */
  read(value: unknown): Setting;
  /** Turns the text of a flag or an environment variable into what `read` takes; without it, the text as it is. */
  fromText?(text: string): unknown;
  /** Carries the type only. */
  readonly input?: Input;
}

export function integer(min: number, max: number): Kind<number, number> {
  const expected = min === 1 ? 'a positive integer' : `an integer from ${min} to ${max}`;
  return {
    form: 'number',
    fromText: numberFromText,
    read: (value) => readInteger(value, min, max, expected),
  };
}

function numberFromText(text: string): unknown {
  return /^-?\d+$/.test(text) ? Number(text) : text;
}

function readInteger(value: unknown, min: number, max: number, expected: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min) throw new Expected(expected);
  if (value > max) throw new Expected(min === 1 ? `at most ${max}` : expected);
  return value;
}

/** A positive integer, or Infinity (as text also `none`) for no limit. */
export function limit(): Kind<number, number> {
  return {
    form: 'number',
    fromText: (text) => (text === 'none' || text === 'Infinity' ? Infinity : numberFromText(text)),
    read(value) {
      if (value === Infinity) return Infinity;
      return readInteger(value, 1, Number.MAX_SAFE_INTEGER, 'a positive integer or Infinity');
    },
  };
}

export function duration(min: number, forever: 'never' | 'finite'): Kind<Duration, number> {
  const orNever = forever === 'never' ? ', or never' : '';
  return {
    form: 'duration',
    read(value) {
      const ms = parseDuration(value);
      if (ms === undefined) throw new Expected(`a duration such as 250ms, 30s or 5m${orNever}`);
      if (ms < min) throw new Expected(`at least ${formatDuration(min)}`);
      const tooLong = ms === Infinity ? forever === 'finite' : ms > LONGEST_DURATION;
      if (tooLong) throw new Expected(`at most ${formatDuration(596 * 3_600_000)}${orNever}`);
      return ms;
    },
  };
}

export function size(min: number, max: number): Kind<Size, number> {
  return {
    form: 'size',
    read(value) {
      const bytes = parseSize(value);
      if (bytes === undefined) throw new Expected('a size such as 512B, 64KiB or 1MiB');
      if (bytes < min) throw new Expected(`at least ${formatSize(min)}`);
      if (bytes > max) throw new Expected(`at most ${formatSize(max)}`);
      return bytes;
    },
  };
}

export function choice<const Name extends string>(names: readonly Name[]): Kind<Name, Name> {
  return {
    form: names.join('|'),
    read(value) {
      const name = names.find((each) => each === value);
      if (name === undefined) throw new Expected(`one of ${names.join(', ')}`);
      return name;
    },
  };
}

/** On or off; as a flag it takes no value. */
export function toggle(): Kind<boolean, boolean> {
  return {
    form: 'boolean',
    fromText: (text) => (text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : text),
    read(value) {
      if (typeof value !== 'boolean') throw new Expected('true or false');
      return value;
    },
  };
}

/** An IP address or a host name. */
export function host(): Kind<string, string> {
  return {
    form: 'address',
    read(value) {
      const plausible = typeof value === 'string' && /^[\w.:-]+(%[\w.-]+)?$/.test(value);
      if (!plausible) throw new Expected('an IP address or a host name');
      return value;
    },
  };
}

export function freeText(form: string, expected: string): Kind<string, string> {
  return {
    form,
    read(value) {
      if (typeof value !== 'string' || value === '') throw new Expected(expected);
      return value;
    },
  };
}

/** A value of the library's that no text can say; `accepts` tells whether it is one. */
export function opaque<T>(expected: string, accepts: (value: unknown) => value is T): Kind<T, T> {
  return {
    form: expected,
    read(value) {
      if (!accepts(value)) throw new Expected(expected);
      return value;
    },
  };
}
