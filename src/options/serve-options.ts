/** Defines the options of `serve`: the one schema behind types, flags, environment, config file and docs. */

import * as v from 'valibot';
import type { ServerEvent } from '../log/event.ts';
import { parseOptions } from './check.ts';
import { cidrList, peerList } from './values/cidr-list.ts';
import { DEFAULT_PORT } from './default-port.ts';
import { framing } from './values/framing-type.ts';
import { listenList } from './values/listen-type.ts';
import { refuseBothWays, refuseIdleMode } from './listen-options.ts';
import { refuseProxiedHash } from './proxied-placement.ts';
import { option } from './schema.ts';
import { LIBRARY, nameInLibrary } from './source.ts';
import { serviceModule } from './values/service-module.ts';
import { defaultThreads, threads } from './values/threads.ts';
import { hostNames, metricsAddress } from './values/metrics-type.ts';
import { rate } from './values/rate-type.ts';
import { tls } from './tls/tls-type.ts';
import { choice, duration, fileMode, host, integer, limit, opaque, size, socketPath } from './values/value-types.ts';

export const PLACEMENTS = ['least-busy', 'least-clients', 'round-robin', 'source-hash'] as const;
/** How the acceptor chooses the thread of a new client. */
export type Placement = (typeof PLACEMENTS)[number];

export const OVERFLOWS = ['wait', 'reject'] as const;
/** What becomes of clients that come while there are as many as `maxClients` says. */
export type Overflow = (typeof OVERFLOWS)[number];

export const ENGINES = ['auto', 'epoll', 'net'] as const;
/** How a server reaches its sockets. */
export type EngineChoice = (typeof ENGINES)[number];

/** The kernel takes no longer TCP_KEEPIDLE than 32,767 s. */
const MAX_KEEP_ALIVE_MS = 9 * 3_600_000;

const shape = {
  /**
   * The service: a module (`.js`, `.mjs` or `.ts`) by its URL, or its path from the working directory.
   * @default the built-in reverse service
   */
  service: option(v.optional(serviceModule()), {
    help: 'the module of the service; on the command line it is the argument',
    preset: 'the built-in reverse service',
    reach: 'file',
  }),
  /**
   * The IP address, or name, to listen on; of a name, all its addresses that this machine has. A link-local address has its
   * zone: `fe80::1%eth0`.
   * @default all interfaces, IPv4 and IPv6
   */
  host: option(v.optional(host()), { help: 'address to listen on', preset: 'all interfaces' }),
  /**
   * The port to listen on; 0 takes any free one.
   * @default 12345, or none with `listen`, and with `unix` or `listenFds` and without `host`
   */
  port: option(v.optional(integer(0, 65535)), {
    help: 'port to listen on; 0 takes any free one',
    preset: `${DEFAULT_PORT}`,
  }),
  /**
   * The path of a Unix socket to listen on, from the working directory; without `host` and `port`, on nothing else. One
   * that a server left behind is replaced. `@name` is a name without a file (unix(7), "abstract").
   * @default none
   */
  unix: option(v.optional(socketPath()), {
    help: 'path of a Unix socket to listen on; without host and port, on nothing else',
  }),
  /**
   * Who may connect to the Unix socket, as a file mode: a number such as `0o660`, or text such as `0660`.
   * @default '0600'
   */
  unixMode: option(v.optional(fileMode()), { help: 'who may connect to the Unix socket', preset: '0600' }),
  /**
   * Everywhere to listen, instead of `host`, `port` and `unix`: a list of `127.0.0.1:12345`, `[::1]:12345`, `name:12345`,
   * `:12345` (all addresses, IPv4 and IPv6) and `unix:/run/x.sock`. Here `0.0.0.0` is all of IPv4 and `[::]` all of IPv6,
   * each nothing else.
   * @default none
   */
  listen: option(v.optional(listenList()), {
    help: 'everywhere to listen, instead of host, port and unix, such as 127.0.0.1:80,[::1]:80,unix:/run/x.sock',
  }),
  /**
   * Listening sockets that somebody else opened, by their file descriptors: the server takes clients from them, and closes
   * them when it ends. Without `host`, `port`, `unix` and `listen`, it listens on nothing else.
   * @default none
   */
  listenFds: option(v.optional(opaque<readonly number[]>('an array of file descriptors', isDescriptors)), {
    help: 'listening sockets that are open already',
    reach: 'library',
  }),
  /**
   * The path of a Unix socket at which the server hands over to the next one: a server that is started with the same path
   * takes its listening sockets and its clients, and the first one ends. If none is there, it starts as usual.
   * @default none
   */
  takeOver: option(v.optional(socketPath()), {
    help: 'path of a Unix socket: takes over from the server there, and hands over to the next',
  }),
  /**
   * How many clients may wait to be accepted; the kernel caps it at `net.core.somaxconn`.
   * @default 4096
   */
  backlog: option(v.optional(integer(1, 65535), 4096), {
    help: 'clients that may wait to be accepted; the kernel caps it',
  }),
  /**
   * How many service threads there are: a number, or `{ min, max }`; at most 500. The default goes by the CPUs that the process
   * may use: those that its CPU mask and the quota of its control group leave.
   * @default { min: CPUs, max: 4 × CPUs + 4 }
   */
  threads: option(v.optional(threads, defaultThreads), {
    help: 'service threads: a number, or a range such as 2..24',
    preset: 'CPUs..4×CPUs+4',
  }),
  /**
   * How many clients there may be at once, on all threads together.
   * @default what the limit of open files leaves room for
   */
  maxClients: option(v.optional(integer(1, 1_000_000)), {
    help: 'how many clients may be connected at once',
    preset: 'what the limit of open files leaves room for',
  }),
  /**
   * What becomes of a client that comes while there are `maxClients`: it waits in the kernel until one leaves, or it is
   * closed at once.
   * @default 'wait'
   */
  overflow: option(v.optional(choice(OVERFLOWS), 'wait'), {
    help: 'whether clients beyond maxClients wait or are closed',
  }),
  /**
   * How many clients there may be at once from one IPv4 address, or from one /64 of IPv6; more are closed at once. Behind a
   * load balancer (`proxyProtocol`) the address is that of the PROXY header; the same holds for `allow` and `deny`.
   * @default Infinity
   */
  maxClientsPerAddress: option(v.optional(limit(), Infinity), {
    help: 'how many clients may be connected at once from one IPv4 address or IPv6 /64',
    preset: 'no limit',
  }),
  /**
   * IP addresses and ranges such as `10.0.0.0/8` that may connect; all others are closed at once.
   * @default everyone
   */
  allow: option(
    v.optional(v.pipe(cidrList(), v.nonEmpty('must be a list with at least one address: nobody could connect'))),
    {
      help: 'addresses and ranges that may connect, and no others',
      preset: 'everyone',
    },
  ),
  /**
   * IP addresses and ranges that are closed at once, even if `allow` has them.
   * @default nobody
   */
  deny: option(v.optional(cidrList()), {
    help: 'addresses and ranges that may not connect',
    preset: 'nobody',
  }),
  /**
   * How many clients a thread may have at once; 1 is a thread for each client.
   * @default Infinity
   */
  clientsPerThread: option(v.optional(limit(), Infinity), {
    help: 'clients that a thread may have; 1 is a thread for each client',
    preset: 'no limit',
  }),
  /**
   * How the thread of a new client is chosen. To `source-hash` all clients of a Unix socket have the same address; it does
   * not go with `proxyProtocol`.
   * @default 'least-busy'
   */
  placement: option(v.optional(choice(PLACEMENTS), 'least-busy'), {
    help: 'how the thread of a new client is chosen',
  }),
  /**
   * How long a message may block its thread, in milliseconds or as text, before the thread's other clients move to
   * a free one; Infinity is never. A client that has sent many messages lets others of its thread be served after this time.
   * @default '5ms'
   */
  moveAfter: option(v.optional(duration(1, 'never'), '5ms'), {
    help: 'how long a message may block its thread before the other clients move',
  }),
  /**
   * What a message is.
   * @default what the service says, else 'chunk'
   */
  framing: option(v.optional(framing), { help: 'what a message is', preset: "the service's, else chunk" }),
  /**
   * How long a message may be, in bytes or as text; a client that sends a longer one is closed.
   * @default '1MiB'
   */
  maxMessageLength: option(v.optional(size(1, 2 ** 30), '1MiB'), { help: 'how long a message may be' }),
  /**
   * How long a client may be connected without a byte either way, in milliseconds or as text; Infinity is for ever. The time does
   * not run while the service works on its message. Closed with reason `idle-timeout`.
   * @default '10m'
   */
  idleTimeout: option(v.optional(duration(1, 'never'), '10m'), {
    help: 'how long a client may stay without a byte either way',
  }),
  /**
   * How long a message may take to arrive, in milliseconds or as text, from its first byte on, however its bytes drip.
   * Closed with reason `message-timeout`.
   * @default '30s'
   */
  messageTimeout: option(v.optional(duration(1, 'never'), '30s'), {
    help: 'how long a message may take to arrive, from its first byte on',
  }),
  /**
   * How long a client may read nothing of what waits for it, in milliseconds or as text. Closed with reason
   * `send-timeout`.
   * @default '30s'
   */
  sendTimeout: option(v.optional(duration(1, 'never'), '30s'), {
    help: 'how long a client may read nothing of what waits for it',
  }),
  /**
   * How long a TCP client may be silent, in milliseconds or as text, before the kernel asks whether it is still there; one
   * that does not answer for as long again is closed with reason `client-reset`. Infinity asks nobody.
   * @default '60s'
   */
  keepAlive: option(v.optional(duration(1000, 'never', MAX_KEEP_ALIVE_MS), '60s'), {
    help: 'silence after which the kernel asks whether a TCP client is still there',
  }),
  /**
   * How many bytes may wait for a client in addition to the message that is being sent to it, in bytes or as text. A client for which
   * more waits is closed with reason `over-limit`. One message may be longer, up to 2 GiB.
   * @default '1MiB', or maxMessageLength if that is more
   */
  maxUnsent: option(v.optional(size(1, 2 ** 30)), {
    help: 'bytes that may wait for a client, in addition to one message',
    preset: '1MiB, or maxMessageLength if that is more',
  }),
  /**
   * How many bytes may be kept for all clients together, in bytes or as text: parts of messages, and what was not sent yet.
   * Beyond it the clients for which most is kept are closed with reason `over-limit`.
   * @default a quarter of the memory that the process may have
   */
  maxMemory: option(v.optional(size(2 ** 20, 2 ** 50)), {
    help: 'bytes that may be kept for all clients together',
    preset: 'a quarter of what the process may have',
  }),
  /**
   * How many bytes a service may keep with one client (`client.state`) when they are written down, in bytes or as text.
   * @default '16KiB'
   */
  maxClientState: option(v.optional(size(1, 2 ** 20), '16KiB'), {
    help: 'bytes that a service may keep with one client, and its framing',
  }),
  /**
   * How many messages a client may send: `100/s`, or `{ messages: '100/s', burst, over, by }`. `burst` may come at once, by default the
   * number in `messages`. Beyond it the client's messages wait, or with `over: 'close'` it is closed with reason `over-rate`. With
   * `by: 'address'` all clients of an IPv4 address, or of a /64 of IPv6, share the rate. As text: `100/s,burst=200,over=close,by=address`.
   * @default 'none'
   */
  rate: option(v.optional(rate(), 'none'), {
    help: 'how many messages a client may send, such as 100/s: see docs/limits.md',
  }),
  /**
   * Load balancers whose connections begin with a PROXY header (version 1 or 2), which says who the client is:
   * addresses and networks such as `10.0.0.0/8`, and `unix` for all who connect to a Unix socket. From these, a connection without the header is closed; from anybody
   * else, a header is not believed, its bytes are the client's.
   * @default [], nobody
   */
  proxyProtocol: option(v.optional(peerList(), []), {
    help: 'addresses of load balancers, whose connections begin with a PROXY header',
    preset: 'nobody',
  }),
  /**
   * Serves clients over TLS, version 1.2 and newer: `{ cert, key }`, each the path of a PEM file, or its text or bytes.
   * With `ca` and `requestClientCert` clients must show a certificate too; `alpn` names protocols, best first; `sni` gives
   * other pairs of `cert` and `key` by host name.
   * @default none: plain TCP
   */
  tls: option(v.optional(tls), { help: 'certificate and key, and more, for TLS: see docs/tls.md', reach: 'file' }),
  /**
   * How long a TLS handshake may take, in milliseconds or as text, before the client is closed. It begins with the connection, or with
   * `client.startTls()`.
   * @default '5s'
   */
  tlsHandshakeTimeout: option(v.optional(duration(1, 'finite'), '5s'), {
    help: 'how long a TLS handshake may take',
  }),
  /**
   * How long a message may block its thread, in milliseconds or as text, before the thread is replaced and the client
   * closed; Infinity is never. Sooner, with any value, if no thread has been free for a second while other clients wait: then
   * the message that has blocked its thread for longest is given up.
   * @default '30s'
   */
  handlerTimeout: option(v.optional(duration(1, 'never'), '30s'), {
    help: 'how long a message may block its thread before the thread is replaced',
  }),
  /**
   * How long a server that is to leave goes on accepting clients after it has said so, in milliseconds or as text: so
   * long a load balancer may take to notice. Only then `shutdownTimeout` begins.
   * @default 0
   */
  drainDelay: option(v.optional(duration(0, 'finite'), 0), {
    help: 'how long the server still accepts clients after it has announced its shutdown',
    preset: '0ms',
  }),
  /**
   * How long a graceful shutdown may take, in milliseconds or as text. Clients that are not answered by then are cut off.
   * @default '15s'
   */
  shutdownTimeout: option(v.optional(duration(0, 'finite'), '15s'), { help: 'how long a graceful shutdown may take' }),
  /**
   * The heap limit of each service thread, in bytes or as text.
   * @default none but that of Node
   */
  threadMemory: option(v.optional(size(2 ** 24, 2 ** 40)), { help: 'heap limit of each thread', preset: "Node's" }),
  /**
   * Locks, counters, shared buffers and frozen objects that every service thread is handed, by name. An object that is not
   * frozen is refused: each thread would get a copy.
   * @default none
   */
  shared: option(
    v.optional(opaque<Readonly<Record<string, unknown>>>('an object of what is shared, by name', isRecord)),
    { help: 'locks, counters and shared buffers for every thread', reach: 'file' },
  ),
  /**
   * How the server reaches its sockets: through the kernel with `epoll` (Linux), or through Node's own `net`, with which
   * clients cannot change threads. `auto` is epoll where it can run.
   * @default 'auto'
   */
  engine: option(v.optional(choice(ENGINES), 'auto'), {
    help: 'how sockets are reached: see docs/engines.md',
  }),
  /**
   * Where metrics and probes are served over HTTP: an address and a port, or a port of 127.0.0.1. `/metrics` is for Prometheus, `/livez` and
   * `/readyz` for whoever starts and stops the server.
   * @default none
   */
  metrics: option(v.optional(metricsAddress()), {
    help: 'address and port for /metrics, /livez and /readyz, over HTTP',
  }),
  /**
   * Host names by which metrics may be asked for, beside addresses and `localhost`. Requests for other names are refused.
   * @default []
   */
  metricsHosts: option(v.optional(hostNames(), []), {
    help: 'host names by which metrics may be asked for, beside addresses and localhost',
    preset: 'none',
  }),
  /**
   * The path of the control socket, a Unix socket at which `heddle clients`, `kick`, `doctor`, `profile` and `top` ask this server and tell
   * it whom to close. The server's own user and root may connect, nobody else.
   * @default none; of the command, a path of its own, and `off` is none
   */
  control: option(v.optional(socketPath()), {
    help: 'path of the control socket, for heddle clients, kick, doctor, profile and top; off: none',
    preset: 'one of its own; in code none',
  }),
  /**
   * Takes each event of the server, on the thread that called `serve`.
   * @default errors are printed on stderr: services that fail, threads that die
   */
  onEvent: option(v.optional(opaque<(event: ServerEvent) => void>('a function that takes an event', isFunction)), {
    help: 'takes each event of the server',
    preset: 'errors go to stderr',
    reach: 'library',
  }),
};

export const serveSchema: v.StrictObjectSchema<typeof shape, undefined> = v.strictObject(shape);

/** What `serve` can be told. Durations are milliseconds or text such as `30s`, sizes bytes or text such as `64KiB`. */
export type ServeOptions = Readonly<v.InferInput<typeof serveSchema>>;

/** The same with every default filled in: durations in milliseconds, sizes in bytes. */
export type ServeSettings = Readonly<v.InferOutput<typeof serveSchema>>;

/**
 * Checks `input` and fills in the defaults; settings are options too, and give themselves.
 * Throws HEDDLE_INVALID_OPTION.
 */
export function parseServeOptions(input: unknown): ServeSettings {
  const settings = parseOptions(serveSchema, input);
  refuseBothWays(settings, LIBRARY);
  refuseIdleMode([settings], nameInLibrary);
  refuseProxiedHash(settings, nameInLibrary);
  return settings;
}

function isDescriptors(given: unknown): boolean {
  return Array.isArray(given) && [...given].every((fd) => Number.isInteger(fd) && fd >= 0 && fd < 2 ** 31);
}

function isRecord(given: unknown): boolean {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}

function isFunction(given: unknown): boolean {
  return typeof given === 'function';
}
