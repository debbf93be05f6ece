/** Defines the options of `heddle bench`. They are flags only: what a server is started with must not change a measurement. */

import * as v from 'valibot';
import { checkOptions, settle } from '../../options/check.ts';
import { connectSchema } from '../../options/connect-options.ts';
import { option, typeNote } from '../../options/schema.ts';
import type { NameOf } from '../../options/source.ts';
import { choice, duration, integer, limit, path, toggle } from '../../options/values/value-types.ts';
import { tlsFileEntries, tlsOf } from '../client/client-command-options.ts';
import { namesIn } from '../option-names.ts';

const MOST_CLIENTS = 100_000;
const LONGEST_MS = 24 * 3_600_000;

/** Text as it is; `form`: what the help shows. */
function text(form: string) {
  const expected = `must be ${form}`;
  return v.pipe(v.string(expected), v.nonEmpty(expected), typeNote({ form }));
}

export const benchCommandSchema = v.strictObject({
  clients: option(v.optional(integer(1, MOST_CLIENTS), 64), { help: 'how many connections', short: 'c' }),
  duration: option(v.optional(duration(1, 'finite', LONGEST_MS), '10s'), {
    help: 'how long it is measured',
    short: 'd',
  }),
  warm: option(v.optional(duration(0, 'finite', LONGEST_MS), '2s'), { help: 'how long before that, in no figure' }),
  rate: option(v.optional(integer(1, 10_000_000)), {
    help: 'messages a second, of all clients: open loop',
    preset: 'as fast as replies come: closed loop',
    short: 'r',
  }),
  ramp: option(v.optional(text('from..to')), {
    help: 'instead of --rate: a rate that goes evenly from one to the other, such as 1000..20000',
  }),
  arrivals: option(v.optional(choice(['poisson', 'even']), 'poisson'), {
    help: 'with --rate or --ramp: at random, or one after the other at the same distance',
  }),
  think: option(v.optional(duration(1, 'finite', LONGEST_MS)), {
    help: 'closed loop: how long a client pauses before its next message, on average; at random',
    preset: 'no pause',
  }),
  pipeline: option(v.optional(limit()), {
    help: 'the most messages that a client has under way',
    preset: '1; none with --rate, but 1 with framing chunk',
  }),
  message: option(v.optional(text('text')), {
    help: 'what is sent, with {nonce}, {client}, {seq} and {random:n} filled in anew for each message',
    preset: '64 bytes that begin with {nonce}',
  }),
  messageFile: option(v.optional(path('must be the path of a file')), {
    help: 'a file with a message on each line, sent in turn',
  }),
  size: option(v.optional(text('size|from..to'), '64'), {
    help: 'how long a message is, without --message; 64..4KiB: at random between the two',
  }),
  expect: option(v.optional(text('auto|echo|reverse|upper|lower|length|none|=TEXT|/PATTERN/|MODULE'), 'auto'), {
    help: 'what a right reply is; auto: the server is asked twice, and its replies tell; length: as long as the message; MODULE: check.js, whose default export (message, reply) gives true, or false or a text',
  }),
  churn: option(v.optional(integer(0, 1_000_000), 0), { help: 'clients a second that leave and come again' }),
  reset: option(v.optional(integer(0, 100), 0), {
    help: 'with --churn: how many percent of them leave with a reset of the connection',
  }),
  connectRate: option(v.optional(integer(1, 1_000_000)), {
    help: 'connections a second that are made before the load begins',
    preset: 'as fast as the server takes them',
  }),
  idle: option(v.optional(integer(0, MOST_CLIENTS), 0), { help: 'more connections, which send nothing' }),
  rounds: option(v.optional(integer(1, 1000)), {
    help: 'parts of the measured time; several targets are measured in turn',
    preset: '1; 5 where runs are compared',
  }),
  compare: option(v.optional(text('first|FILE')), {
    help: 'end with 4 if it is worse than the first target, or than a run that --json has saved',
  }),
  tolerance: option(v.optional(integer(0, 1000), 5), { help: 'with --compare: how much worse it may be, in percent' }),
  find: option(v.optional(text('condition')), {
    help: 'find the highest rate that keeps a condition such as p99<10ms; a step takes --duration',
  }),
  generators: option(v.optional(integer(1, 256), 1), { help: 'threads that make the load' }),
  late: option(v.optional(duration(0, 'finite', LONGEST_MS), '1ms'), {
    help: 'no verdict if the generator was later than this for more than 1 % of the messages; 0.1 % where p99.9 or worst is required',
  }),
  seed: option(v.optional(integer(0, 2 ** 31 - 1), 1), { help: 'of what is random: the same seed, the same schedule' }),
  quiet: option(v.optional(toggle()), {
    help: 'print only what was required and reached, and the verdict',
    preset: 'off',
  }),
  json: option(v.optional(toggle()), { help: 'print the figures as JSON', preset: 'off' }),
  html: option(v.optional(path('must be the path of a file')), { help: 'write the figures as a page too' }),
  hgrm: option(v.optional(path('must be the path of a file')), {
    help: 'write the percentiles as text too, as HdrHistogram does',
  }),
  trace: option(v.optional(path('must be the path of a file')), {
    help: 'write a line for each reply: when it was due, the wait, the client, whether it was right',
  }),
  far: option(v.optional(toggle()), { help: 'allow a server that is not on this machine', preset: 'off' }),
  framing: connectSchema.entries.framing,
  maxMessageLength: connectSchema.entries.maxMessageLength,
  timeout: option(v.optional(duration(1, 'finite'), '10s'), { help: 'how long connecting and each reply may take' }),
  tls: connectSchema.entries.tls,
  ...tlsFileEntries,
});

export type BenchSettings = Readonly<Omit<v.InferOutput<typeof benchCommandSchema>, 'tlsCa' | 'tlsCert' | 'tlsKey'>>;

/** Checks the flags and fills in the defaults. Throws HEDDLE_INVALID_OPTION. */
export function readBenchOptions(flags: object): { readonly settings: BenchSettings; readonly nameOf: NameOf } {
  const given = checkOptions(benchCommandSchema, flags, { from: 'flags' });
  const nameOf = namesIn([{ source: { from: 'flags' }, given }]);
  const { tlsCa, tlsCert, tlsKey, ...settings } = settle(benchCommandSchema, [given]);
  return { settings: { ...settings, tls: tlsOf({ tls: settings.tls, tlsCa, tlsCert, tlsKey }, nameOf) }, nameOf };
}
