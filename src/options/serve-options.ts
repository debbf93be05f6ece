/** Used to say what `serve` can be told: the one schema behind types, flags, environment, config file and docs. */

import type * as z from 'zod';
import type { ServerEvent } from '../log/event.ts';
import { parseOptions } from './check.ts';
import { framing } from './framing-type.ts';
import { optionNotes, optionsSchema } from './schema.ts';
import { defaultThreads, threads } from './threads.ts';
import { tls } from './tls-type.ts';
import { choice, duration, host, integer, limit, opaque, size } from './value-types.ts';

export const PLACEMENTS = ['least-busy', 'least-clients', 'round-robin', 'source-hash'] as const;
/** How the acceptor chooses the thread of a new client. */
export type Placement = (typeof PLACEMENTS)[number];

const shape = {
  /**
   * The service: a module (`.js`, `.mjs` or `.ts`) by its URL, or its path from the working directory.
   * @default the built-in reverse service
   */
  service: opaque<URL | string>('the URL or the path of a module', isModule).optional().register(optionNotes, {
    help: 'the module of the service; on the command line it is the argument',
    preset: 'the built-in reverse service',
    reach: 'file',
  }),
  /**
   * The IP address, or name, to listen on.
   * @default all interfaces, IPv4 and IPv6
   */
  host: host().optional().register(optionNotes, { help: 'address to listen on', preset: 'all interfaces' }),
  /**
   * The port to listen on; 0 takes any free one.
   * @default 12345
   */
  port: integer(0, 65535).prefault(12345).register(optionNotes, { help: 'port to listen on; 0 takes any free one' }),
  /**
   * How many clients may wait to be accepted; the kernel caps it at `net.core.somaxconn`.
   * @default 4096
   */
  backlog: integer(1, 65535).prefault(4096).register(optionNotes, {
    help: 'clients that may wait to be accepted; the kernel caps it',
  }),
  /**
   * How many service threads there are: a number, or `{ min, max }`; at most 500.
   * @default { min: CPUs, max: 4 × CPUs + 4 }
   */
  threads: threads.prefault(defaultThreads).register(optionNotes, {
    help: 'service threads: a number, or a range such as 2..24',
    preset: 'CPUs..4×CPUs+4',
  }),
  /**
   * How many clients a thread may have at once; 1 is a thread for each client.
   * @default Infinity
   */
  clientsPerThread: limit().prefault(Infinity).register(optionNotes, {
    help: 'clients that a thread may have; 1 is a thread for each client',
    preset: 'no limit',
  }),
  /**
   * How the thread of a new client is chosen.
   * @default 'least-busy'
   */
  placement: choice(PLACEMENTS).prefault('least-busy').register(optionNotes, {
    help: 'how the thread of a new client is chosen',
  }),
  /**
   * How long a message may hold its thread, in milliseconds or as text, before the thread's other clients move to
   * a free one; Infinity is never.
   * @default '5ms'
   */
  moveAfter: duration(1, 'never').prefault('5ms').register(optionNotes, {
    help: 'how long a message may hold its thread before the other clients move',
  }),
  /**
   * What a message is.
   * @default what the service says, else 'chunk'
   */
  framing: framing.optional().register(optionNotes, { help: 'what a message is', preset: "the service's, else chunk" }),
  /**
   * How long a message may be, in bytes or as text; a client that sends a longer one is closed.
   * @default '1MiB'
   */
  maxMessageLength: size(1, 2 ** 30)
    .prefault('1MiB')
    .register(optionNotes, { help: 'how long a message may be' }),
  /**
   * Serves clients over TLS, version 1.2 and newer: `{ cert, key }`, each the path of a PEM file, or its text or bytes.
   * With `ca` and `requestClientCert` clients must show a certificate too; `alpn` names protocols, best first; `sni` gives
   * other pairs of `cert` and `key` by host name.
   * @default none: plain TCP
   */
  tls: tls
    .optional()
    .register(optionNotes, { help: 'certificate and key, and more, for TLS: see tls.md', reach: 'file' }),
  /**
   * How long a TLS handshake may take, in milliseconds or as text, before the client is closed.
   * @default '5s'
   */
  tlsHandshakeTimeout: duration(1, 'finite').prefault('5s').register(optionNotes, {
    help: 'how long a TLS handshake may take',
  }),
  /**
   * How long a message may hold its thread, in milliseconds or as text, before the thread is replaced and the client
   * closed; Infinity is never.
   * @default '30s'
   */
  handlerTimeout: duration(1, 'never').prefault('30s').register(optionNotes, {
    help: 'how long a message may hold its thread before the thread is replaced',
  }),
  /**
   * How long leaving may take, in milliseconds or as text: what is not answered by then is cut off.
   * @default '15s'
   */
  shutdownTimeout: duration(0, 'finite').prefault('15s').register(optionNotes, { help: 'how long leaving may take' }),
  /**
   * The heap limit of each service thread, in bytes or as text.
   * @default none but that of Node
   */
  threadMemory: size(2 ** 24, 2 ** 40)
    .optional()
    .register(optionNotes, { help: 'heap limit of each thread', preset: "Node's" }),
  /**
   * Locks, counters and shared buffers that every service thread is handed, by name.
   * @default none
   */
  shared: opaque<Readonly<Record<string, unknown>>>('an object of what is shared, by name', isRecord)
    .optional()
    .register(optionNotes, { help: 'locks, counters and shared buffers for every thread', reach: 'file' }),
  /**
   * Takes each event of the server, on the thread that called `serve`.
   * @default none
   */
  onEvent: opaque<(event: ServerEvent) => void>('a function that takes an event', isFunction)
    .optional()
    .register(optionNotes, { help: 'takes each event of the server', reach: 'library' }),
};

export const serveSchema = optionsSchema(shape);

/** What `serve` can be told. Durations are milliseconds or text such as `30s`, sizes bytes or text such as `64KiB`. */
export type ServeOptions = Readonly<z.input<z.ZodObject<typeof shape>>>;

/** The same with every default filled in: durations in milliseconds, sizes in bytes. */
export type ServeSettings = Readonly<z.output<z.ZodObject<typeof shape>>>;

/**
 * Checks `input` and fills in the defaults; settings are options too, and give themselves.
 * Throws HEDDLE_INVALID_OPTION.
 */
export function parseServeOptions(input: unknown): ServeSettings {
  return parseOptions(serveSchema, input);
}

function isModule(given: unknown): boolean {
  return given instanceof URL || (typeof given === 'string' && given !== '');
}

function isRecord(given: unknown): boolean {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}

function isFunction(given: unknown): boolean {
  return typeof given === 'function';
}
