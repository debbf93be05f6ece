/** Says what the value of an option may be; an error's message goes on from the option's name. */

import { isIP } from 'node:net';
import * as v from 'valibot';
import { type Duration, formatDuration, MAX_DURATION_MS, parseDuration } from './duration.ts';
import { LONGEST_UNIX_PATH } from '../../sys/structs/socket-address.ts';
import { typeNote } from '../schema.ts';
import { show } from '../show.ts';
import { formatSize, parseSize, type Size } from './size.ts';

const number = { form: 'number', fromText: (text: string) => (/^-?\d+$/.test(text) ? Number(text) : text) };

/** What a type begins with whose next step takes anything: `Input` is what users are told to give. */
export function anything<Input>(): v.GenericSchema<Input, unknown> {
  return v.custom<Input>(() => true);
}

/** Ends the reading of a value. Nothing is added to `message`: it says what was given, unless that is not to be seen. */
export function refuse<Input>(context: v.RawTransformContext<Input>, message: string): never {
  context.addIssue({ message });
  return context.NEVER;
}

export function integer(min: number, max: number): v.GenericSchema<number> {
  const expected = min === 1 ? 'must be a positive integer' : `must be an integer from ${min} to ${max}`;
  return v.pipe(
    v.number(expected),
    v.safeInteger(expected),
    v.minValue(min, expected),
    v.maxValue(max, min === 1 ? `must be at most ${max}` : expected),
    typeNote(number),
  );
}

/** A positive integer, or Infinity (as text also `none`) for no limit. */
export function limit(): v.GenericSchema<number> {
  const fits = (value: unknown) => value === Infinity || (Number.isSafeInteger(value) && Number(value) >= 1);
  const fromText = (text: string) => (text === 'none' || text === 'Infinity' ? Infinity : number.fromText(text));
  return v.pipe(
    v.custom<number>(fits, 'must be a positive integer or Infinity'),
    typeNote({ form: 'number', fromText }),
  );
}

/** Text of a duration without a unit: in code a number of milliseconds, it would be taken for seconds on a command line. */
class Unitless {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** `max`: in ms; a longer one is refused, but `never` need not be. */
export function duration(
  min: number,
  forever: 'never' | 'finite',
  max = MAX_DURATION_MS,
): v.GenericSchema<Duration, number> {
  const orNever = forever === 'never' ? ', or never' : '';
  const fits = (ms: number) => (ms === Infinity ? forever === 'never' : ms <= max);
  return v.pipe(
    anything<Duration>(),
    v.rawTransform((context) => {
      const given = context.dataset.value;
      if (!(given instanceof Unitless)) return parseDuration(given);
      const { text } = given;
      return refuse(context, `must have a unit, such as ${text}ms, ${text}s or ${text}m, got ${text}`);
    }),
    v.number(`must be a duration such as 250ms, 30s or 5m${orNever}`),
    v.minValue(min, `must be at least ${formatDuration(min)}`),
    v.check(fits, `must be at most ${formatDuration(max - (max % 3_600_000))}${orNever}`),
    typeNote({
      form: 'duration',
      fromText: (text) => (/^0*[\d.]*[1-9][\d.]*$/.test(text) ? new Unitless(text) : text),
    }),
  );
}

export function size(min: number, max: number): v.GenericSchema<Size, number> {
  return v.pipe(
    anything<Size>(),
    v.transform(parseSize),
    v.number('must be a size such as 512B, 64KiB or 1MiB'),
    v.minValue(min, `must be at least ${formatSize(min)}`),
    v.maxValue(max, `must be at most ${formatSize(max)}`),
    typeNote({ form: 'size' }),
  );
}

export function choice<const Names extends readonly string[]>(names: Names): v.GenericSchema<Names[number]> {
  return v.pipe(v.picklist(names, `must be one of ${names.join(', ')}`), typeNote({ form: names.join('|') }));
}

/** On or off; as a flag it takes no value. */
export function toggle(): v.GenericSchema<boolean> {
  const fromText = (text: string) => (/^(true|1)$/.test(text) ? true : /^(false|0)$/.test(text) ? false : text);
  return v.pipe(v.boolean('must be true or false'), typeNote({ form: 'boolean', fromText }));
}

const HOST = /^[\w.:-]+(%[\w.-]+)?$/;

/** How to write `address` and `port` apart. */
function asHost(address: string, port: string | undefined): string {
  const what = isIP(address) === 0 ? 'a host name' : 'an IP address';
  return port === undefined
    ? `${what} without brackets: ${address}`
    : `${what} alone: ${address}, with the port ${port} as the option for that`;
}

/** An IP address or a host name. */
export function host(): v.GenericSchema<string> {
  const expected = 'must be an IP address or a host name';
  return v.pipe(
    v.string(expected),
    v.rawTransform((context) => {
      const given = context.dataset.value;
      const [, address = '', port] = /^(\[.*\]|[^:]*)(?::(\d+))?$/.exec(given) ?? [];
      const bare = address.replace(/^\[(.*)\]$/, '$1');
      if (HOST.test(bare) && bare !== given)
        return refuse(context, `must be ${asHost(bare, port)}, got ${show(given)}`);
      return HOST.test(given) && (isIP(given) === 6 || !given.includes(':'))
        ? given
        : refuse(context, `${expected}, got ${show(given)}`);
    }),
    typeNote({ form: 'address' }),
  );
}

export function path(expected: string): v.GenericSchema<string> {
  return v.pipe(v.string(expected), v.nonEmpty(expected), typeNote({ form: 'path' }));
}

/** The path of a Unix socket; the kernel has room for so many bytes (unix(7)). */
export function socketPath(): v.GenericSchema<string> {
  const expected = `must be the path of a socket, of 1 to ${LONGEST_UNIX_PATH} bytes (a relative path may be shorter)`;
  return v.pipe(path(expected), v.maxBytes(LONGEST_UNIX_PATH, expected), v.excludes('\0', expected));
}

/** Who may use a file, as `chmod` takes it: a number, or octal text. */
export function fileMode(): v.GenericSchema<number | string, number> {
  return v.pipe(
    anything<number | string>(),
    v.transform(parseFileMode),
    v.number('must be a file mode such as 0660'),
    typeNote({ form: 'mode' }),
  );
}

/** Gives the mode that `value` says, undefined if it is none. */
function parseFileMode(value: unknown): number | undefined {
  const mode =
    typeof value === 'string' && /^(0o?)?[0-7]{3}$/.test(value) ? Number.parseInt(value.slice(-3), 8) : value;
  return typeof mode === 'number' && Number.isInteger(mode) && mode >= 0 && mode <= 0o777 ? mode : undefined;
}

/** A value of the library's that no text can say; `accepts` tells whether it is one. */
export function opaque<T>(form: string, accepts: (value: unknown) => boolean): v.GenericSchema<T> {
  return v.pipe(v.custom<T>(accepts, `must be ${form}`), typeNote({ form }));
}
