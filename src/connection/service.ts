/** Defines what a service is: the user's part of a server. */
import type { Socket } from 'node:net';
import { inspect } from 'node:util';
import { HeddleError } from '../errors.ts';
import type { CustomFraming, ServiceFraming } from '../framing/framing.ts';
import type { ServiceNeeds } from '../options/needs.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import type { Client, StreamedClient } from './client.ts';

/** What goes back to a client: bytes, text (sent as UTF-8), or nothing. */
export type Reply = Uint8Array | string | undefined;

/** `WebAssembly.Memory`, where TypeScript knows it (its library `dom`). */
export type MessageMemory = typeof globalThis extends { WebAssembly: { Memory: { prototype: infer Memory } } }
  ? Memory
  : { readonly buffer: ArrayBuffer };

/** The thread that a service runs on, as its `start` and `stop` see it. */
export interface ServiceThread<Shared = AnyShared> {
  /** The thread's number, from 1. */
  readonly id: number;
  /** What `serve({ shared })` was given: the same locks, counters and shared buffers on every thread. */
  readonly shared: Shared;
  /**
   * The memory where borrowed messages lie (`borrow: true`), for a WebAssembly module that imports it: a message of up to 64 KiB
   * is at the address `message.byteOffset`, a longer one is not in it. 1 MiB, which does not grow; the first 128 KiB are
   * Heddle's, the rest is the service's. `undefined` for a service that borrows none (its messages are text, or of a framing of its
   * own), and where there is no WebAssembly with vectors: with `--jitless`, `ulimit -v`, or on an x64 CPU without SSE4.1.
   */
  readonly memory: MessageMemory | undefined;
}

interface ThreadHooks<Shared = AnyShared> {
  /**
   * What the service needs of the server's options. Where nobody gives an option, it is as the service says; an option that is given and
   * does not do is refused at the start.
   */
  readonly needs?: ServiceNeeds;
  /** Runs on each thread before its first client. A service that throws here does not start. */
  start?(thread: ServiceThread<Shared>): void | Promise<void>;
  /** Runs on each thread after its last client. */
  stop?(thread: ServiceThread<Shared>): void | Promise<void>;
}

interface Hooks<Message, R, State, Shared> extends ThreadHooks<Shared> {
  /** Runs once for each client, before its first message; may greet it with `client.send`. A client that it throws at is closed. */
  open?(client: Client<Message, R, State>): void | Promise<void>;
  /** Runs once for each client that is gone. */
  close?(client: Client<Message, R, State>, reason: CloseReason): void | Promise<void>;
}

interface Bytes {
  readonly framing?: ServiceFraming;
  /** Other framings, by name: `client.framing = 'packets'` has the client use one. Without `framing`, clients begin with the first. */
  readonly framings?: Readonly<Record<string, ServiceFraming>>;
  readonly encoding?: undefined;
}

interface Text {
  readonly framing?: ServiceFraming;
  /** Other framings, by name: see `BytesService`. */
  readonly framings?: Readonly<Record<string, ServiceFraming>>;
  /** Messages are strings; a client that sends invalid UTF-8 is closed with `bad-frame`. */
  readonly encoding: 'utf8';
}

interface Framed<Message, R> {
  readonly framing: CustomFraming<Message, R>;
  /** Other framings, by name: `client.framing = 'packets'` has the client use one. */
  readonly framings?: Readonly<Record<string, CustomFraming<Message, R>>>;
  readonly encoding?: undefined;
}

interface PerMessage<Message, R, State, Shared> extends Hooks<Message, R, State, Shared> {
  /**
   * Answers one message; what it returns, or resolves to, is the reply. Messages of one client come in order and one at
   * a time. An error closes this client with reason `service-error`, is reported, and touches nobody else.
   */
  message(message: Message, client: Client<Message, R, State>): R | undefined | Promise<R | undefined>;
  /**
   * Whether a message may be a view of the thread's read buffer, valid (and the service's to change) during the call only. With
   * `'both'`, Heddle borrows too: it sends a long reply from where it lies, without a copy, so its bytes must never change.
   * @default false: a message is the service's to keep, and so is the memory of a reply
   */
  readonly borrow?: boolean | 'both';
  readonly session?: undefined;
  readonly stream?: undefined;
}

interface PerClient<Message, R, State, Shared> extends Hooks<Message, R, State, Shared> {
  /** Talks with one client from beginning to end; the client is closed when it returns. It stays on its thread. */
  session(client: Client<Message, R, State>): Promise<void>;
  readonly message?: undefined;
  readonly borrow?: undefined;
  readonly stream?: undefined;
}

type Style<Message, R, State, Shared> = PerMessage<Message, R, State, Shared> | PerClient<Message, R, State, Shared>;

type AnyShared = Readonly<Record<string, unknown>>;

/** A service whose messages are bytes. `State`: what it keeps with a client (`client.state`); `Shared`: what `shared` gives it. */
export type BytesService<State = unknown, Shared = AnyShared> = Style<Buffer, Reply, State, Shared> & Bytes;
/** A service whose messages are strings. */
export type TextService<State = unknown, Shared = AnyShared> = Style<string, Reply, State, Shared> & Text;
/** A service with a framing of its own, which says what its messages and replies are. */
export type FramedService<Message, R, State = unknown, Shared = AnyShared> = Style<Message, R, State, Shared> &
  Framed<Message, R>;

/** A service that gets its clients as sockets: what a library for Node asks for. `Shared`: what `shared` gives it. */
export interface StreamService<Shared = AnyShared> extends ThreadHooks<Shared> {
  /**
   * Takes over a client: `socket` is one of Node's own, under TLS a `tls.TLSSocket`, and has the client's own address also behind a load
   * balancer. The connection ends with the socket, and stays on its thread. A client that it throws at, or rejects for, is closed with
   * reason `service-error`.
   */
  stream(socket: Socket, client: StreamedClient): void | Promise<void>;
  /** Runs once for each client, before `stream`. A client that it throws at is closed. */
  open?(client: StreamedClient): void | Promise<void>;
  /** Runs once for each client that is gone. */
  close?(client: StreamedClient, reason: CloseReason): void | Promise<void>;
  readonly message?: undefined;
  readonly session?: undefined;
  readonly framing?: undefined;
  readonly framings?: undefined;
  readonly encoding?: undefined;
  readonly borrow?: undefined;
}

/** A service with messages, as Heddle itself holds it: the framing has said what a message is. */
export type Service = Style<unknown, unknown, unknown, AnyShared> & {
  readonly framing?: ServiceFraming | CustomFraming;
  readonly framings?: Readonly<Record<string, ServiceFraming | CustomFraming>>;
  readonly encoding?: 'utf8' | undefined;
};

/**
 * Describes a service; it adds types only, a plain object of the same shape is as good. `defineService<State, Shared>(…)` says what
 * `client.state` and `shared` are; of a service with `stream`, `defineService<Shared>(…)`.
 *
 * @example
 * export default defineService({ message: (message) => message.toString().toUpperCase() });
 */
export function defineService<State = unknown, Shared = AnyShared>(
  service: BytesService<State, Shared>,
): BytesService<State, Shared>;
export function defineService<State = unknown, Shared = AnyShared>(
  service: TextService<State, Shared>,
): TextService<State, Shared>;
export function defineService<Shared = AnyShared>(service: StreamService<Shared>): StreamService<Shared>;
export function defineService<Message, R, State = unknown, Shared = AnyShared>(
  service: FramedService<Message, R, State, Shared>,
): FramedService<Message, R, State, Shared>;
export function defineService(service: unknown): unknown {
  return service;
}

/** What a thread of a stream service has in the place of a service with messages. There are none. */
export const NO_MESSAGES: Service = { message: () => undefined };

const STYLES = ['message', 'session', 'stream'] as const;
const FUNCTIONS = [...STYLES, 'open', 'close', 'start', 'stop'] as const;
/** How messages are read, which a stream service does by itself. */
const READING = ['framing', 'framings', 'encoding', 'borrow'] as const;
const KNOWN: readonly string[] = [...FUNCTIONS, ...READING, 'needs'];

/**
 * Gives what a module exports as a service; a function is one for each message. `origin` names the module in the error.
 *
 * Errors: `HEDDLE_SERVICE_LOAD`.
 */
export function checkService(value: unknown, origin: string): Service | StreamService {
  const service = typeof value === 'function' && !isClass(value) ? { message: value } : value;
  const problem = findProblem(service);
  if (problem !== undefined) throw new HeddleError('HEDDLE_SERVICE_LOAD', `${origin}: ${problem}`);
  return service as Service | StreamService;
}

function isClass(value: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}

function findProblem(value: unknown): string | undefined {
  if (typeof value === 'function') {
    return 'its default export is a class, which cannot be called: export a function, or defineService({ message: … })';
  }
  if (typeof value !== 'object' || value === null) {
    return 'the module must have a service as its default export: export default defineService({ message: … }), or a function that answers a message';
  }
  const service = value as Record<string, unknown>;
  const unknown = Object.keys(service).find((key) => !KNOWN.includes(key));
  if (unknown !== undefined) return `a service has no '${unknown}'; it has ${KNOWN.join(', ')}`;
  const wrong = FUNCTIONS.find((name) => service[name] !== undefined && typeof service[name] !== 'function');
  if (wrong !== undefined) return `${wrong} must be a function, got ${typeof service[wrong]}`;
  return findStyleProblem(service) ?? findReadingProblem(service) ?? findNeedsProblem(service);
}

function findStyleProblem(service: Readonly<Record<string, unknown>>): string | undefined {
  const [style, other] = STYLES.filter((name) => service[name] !== undefined);
  if (style === undefined) {
    return 'a service needs a message function (one call for each message), a session function (one for each client) or a stream function (one for each client, as a socket)';
  }
  if (other !== undefined) return `a service has a ${style} function or a ${other} function, not both`;
  const reading = READING.find((name) => service[name] !== undefined);
  if (style !== 'stream' || reading === undefined) return undefined;
  return `${reading} is for messages, and a stream function reads its socket by itself: leave it out`;
}

function findNeedsProblem({ needs = {} }: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof needs === 'object' && needs !== null && !Array.isArray(needs)) return undefined;
  return `needs must be an object of options, such as { threads: 1 }, got ${inspect(needs)}`;
}

function findReadingProblem(service: Readonly<Record<string, unknown>>): string | undefined {
  if (service['encoding'] !== undefined && service['encoding'] !== 'utf8') {
    return `encoding must be 'utf8' or left out, got ${inspect(service['encoding'])}`;
  }
  const { framings } = service;
  if (framings !== undefined && (typeof framings !== 'object' || framings === null || Array.isArray(framings))) {
    return `framings must be an object of framings by name, got ${inspect(framings)}`;
  }
  const { borrow = false } = service;
  if (typeof borrow !== 'boolean' && borrow !== 'both') {
    return `borrow must be true, false or 'both', got ${inspect(borrow)}`;
  }
  if (borrow !== false && service['session'] !== undefined) {
    return 'borrow is for message functions: a session keeps its messages beyond a call';
  }
  return undefined;
}
