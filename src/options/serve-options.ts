/** Used to say what `serve` can be told: the one table behind types, flags, environment, config file and docs. */

import type { ServerEvent } from '../log/event.ts';
import { checkOptions, settle } from './check.ts';
import { framingKind } from './framing-kind.ts';
import { choice, duration, host, integer, limit, size, opaque } from './kind.ts';
import { option, optional, type OptionsOf, type SettingsOf } from './option.ts';
import { LIBRARY, type OptionSource } from './source.ts';
import { defaultThreads, threadsKind } from './threads.ts';

export const DEFAULT_PORT = 12345;
export const DEFAULT_MAX_MESSAGE_LENGTH = 2 ** 20;

export const PLACEMENTS = ['least-busy', 'least-clients', 'round-robin', 'source-hash'] as const;
/** How the acceptor chooses the thread of a new client. */
export type Placement = (typeof PLACEMENTS)[number];

export const serveSchema = {
  /**
   * The service: a module (`.js`, `.mjs` or `.ts`) by its URL, or its path from the working directory.
   * @default the built-in reverse service
   */
  service: optional(opaque('the URL or the path of a module', isModule), {
    help: 'the module of the service',
    text: 'the built-in reverse service',
    reach: 'file',
  }),
  /**
   * The IP address, or name, to listen on.
   * @default all interfaces, IPv4 and IPv6
   */
  host: optional(host(), { help: 'address to listen on', text: 'all interfaces' }),
  /**
   * The port to listen on; 0 takes any free one.
   * @default 12345
   */
  port: option(integer(0, 65535), DEFAULT_PORT, { help: 'port to listen on; 0 takes any free one', text: '12345' }),
  /**
   * How many clients may wait to be accepted; the kernel caps it at `net.core.somaxconn`.
   * @default 4096
   */
  backlog: option(integer(1, 65535), 4096, {
    help: 'clients that may wait to be accepted; the kernel caps it',
    text: '4096',
  }),
  /**
   * How many service threads there are: a number, or `{ min, max }`; at most 500.
   * @default { min: CPUs, max: 4 × CPUs + 4 }
   */
  threads: option(threadsKind, defaultThreads, {
    help: 'service threads: a number, or a range such as 2..24',
    text: 'CPUs..4×CPUs+4',
  }),
  /**
   * How many clients a thread may have at once; 1 is a thread for each client.
   * @default Infinity
   */
  clientsPerThread: option(limit(), Infinity, {
    help: 'clients that a thread may have; 1 is a thread for each client',
    text: 'no limit',
  }),
  /**
   * How the thread of a new client is chosen.
   * @default 'least-busy'
   */
  placement: option(choice(PLACEMENTS), 'least-busy', {
    help: 'how the thread of a new client is chosen',
    text: 'least-busy',
  }),
  /**
   * How long a message may hold its thread, in milliseconds or as text, before the thread's other clients move to
   * a free one; Infinity is never.
   * @default '5ms'
   */
  moveAfter: option(duration(1, 'never'), 5, {
    help: 'how long a message may hold its thread before the other clients move',
    text: '5ms',
  }),
  /**
   * What a message is.
   * @default what the service says, else 'chunk'
   */
  framing: optional(framingKind, { help: 'what a message is', text: "the service's, else chunk" }),
  /**
   * How long a message may be, in bytes or as text; a client that sends a longer one is closed.
   * @default '1MiB'
   */
  maxMessageLength: option(size(1, 2 ** 30), DEFAULT_MAX_MESSAGE_LENGTH, {
    help: 'how long a message may be',
    text: '1MiB',
  }),
  /**
   * How long a message may hold its thread, in milliseconds or as text, before the thread is replaced and the client
   * closed; Infinity is never.
   * @default '30s'
   */
  handlerTimeout: option(duration(1, 'never'), 30_000, {
    help: 'how long a message may hold its thread before the thread is replaced',
    text: '30s',
  }),
  /**
   * How long leaving may take, in milliseconds or as text: what is not answered by then is cut off.
   * @default '15s'
   */
  shutdownTimeout: option(duration(0, 'finite'), 15_000, { help: 'how long leaving may take', text: '15s' }),
  /**
   * The heap limit of each service thread, in bytes or as text.
   * @default none but that of Node
   */
  threadMemory: optional(size(2 ** 24, 2 ** 40), { help: 'heap limit of each thread', text: "Node's" }),
  /**
   * Locks, counters and shared buffers that every service thread is handed, by name.
   * @default none
   */
  shared: optional(opaque('an object of what is shared, by name', isRecord), {
    help: 'locks, counters and shared buffers for every thread',
    reach: 'library',
  }),
  /**
   * Takes each event of the server, on the thread that called `serve`.
   * @default none
   */
  onEvent: optional(opaque('a function that takes an event', isListener), {
    help: 'takes each event of the server',
    reach: 'library',
  }),
};

/** What `serve` can be told. Durations are milliseconds or text such as `30s`, sizes bytes or text such as `64KiB`. */
export type ServeOptions = OptionsOf<typeof serveSchema>;

/** The same with every default filled in: durations in milliseconds, sizes in bytes. */
export type ServeSettings = SettingsOf<typeof serveSchema>;

/**
 * Checks `input` and fills in the defaults; settings are options too, and give themselves.
 * Throws HEDDLE_INVALID_OPTION, with the name that the option has in `source`.
 */
export function parseServeOptions(input: unknown, source: OptionSource = LIBRARY): ServeSettings {
  return settle(serveSchema, [checkOptions(serveSchema, input ?? {}, source)]);
}

function isModule(given: unknown): given is URL | string {
  return given instanceof URL || (typeof given === 'string' && given !== '');
}

function isRecord(given: unknown): given is Readonly<Record<string, unknown>> {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}

function isListener(given: unknown): given is (event: ServerEvent) => void {
  return typeof given === 'function';
}
