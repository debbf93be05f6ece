/** A client that knows what it must get, and the service that it talks to. */
import type { Client } from '../../src/connection/client.ts';
import type { Service } from '../../src/connection/service.ts';
import type { FakeSocket } from './fake-socket.ts';

/**
 * What a message asks for: a reply at once, a long one, one that is sent and one that is returned, one later, none, that
 * all others on this thread are nudged, an error later, an error at once, the end.
 */
export const KINDS = ['echo', 'long', 'twice', 'later', 'none', 'nudge', 'reject', 'throw', 'close'] as const;
export type Kind = (typeof KINDS)[number];

const LONG_CHARACTERS = 1500;
const GREETING = 'welcome\n';
/** What a client that is nudged gets, between lines of its own. */
const NUDGE = '!';

/** What the service returns for `later` and `reject`: the schedule says when it settles. */
export interface Pending {
  settle(): void;
}

/** What the service tells the schedule: of what is still to be settled, and that a client is gone. */
export interface ServiceHooks {
  readonly wait: (pending: Pending) => void;
  readonly closed: () => void;
}

/** The lines that come back for message `name`. */
function replyTo(name: string, kind: Kind): string {
  if (kind === 'echo' || kind === 'later' || kind === 'nudge') return `${name}\n`;
  if (kind === 'long') return `${name}${'#'.repeat(LONG_CHARACTERS)}\n`;
  return kind === 'twice' ? `${name}a\n${name}b\n` : '';
}

/** A service for lines such as `7.3.echo` (client 7, its message 3). */
export function lineService(speaksFirst: boolean, { wait, closed }: ServiceHooks): Service {
  const present = new Set<Client<unknown, unknown>>();
  /** Long replies are made in it, one after the other. */
  const scratch = Buffer.alloc(2 * LONG_CHARACTERS);
  const message = (line: unknown, client: Client<unknown, unknown>): unknown => {
    const [port, index, kind] = String(line).split('.') as [string, string, Kind];
    if (client.remotePort !== Number(port)) throw new Error(`client ${client.remotePort} got a message of ${port}`);
    const name = `${port}.${index}`;
    present.add(client);
    if (kind === 'nudge') for (const other of present) if (other !== client) void other.send(NUDGE);
    if (kind === 'throw') throw new Error('on purpose');
    if (kind === 'close') client.close();
    if (kind === 'twice') void client.send(`${name}a`);
    if (kind === 'later' || kind === 'reject') return later(kind, name, wait);
    const reply = kind === 'twice' ? `${name}b` : replyTo(name, kind).slice(0, -1);
    if (kind === 'long') return scratch.subarray(0, scratch.write(reply));
    return reply === '' ? undefined : reply;
  };
  const open = (client: Client<unknown, unknown>): void => void client.send(GREETING.slice(0, -1));
  const close = (client: Client<unknown, unknown>): void => {
    present.delete(client);
    closed();
  };
  const service = { message, close, encoding: 'utf8' } as const;
  return speaksFirst ? { ...service, open } : service;
}

function later(kind: Kind, reply: string, wait: (pending: Pending) => void): PromiseLike<unknown> {
  const then = (fulfil: (value: unknown) => void, reject: (error: unknown) => void): void =>
    wait({ settle: () => (kind === 'later' ? fulfil(reply) : reject(new Error('on purpose'))) });
  // A promise, but its callbacks run at a step of the schedule.
  // oxlint-disable-next-line unicorn/no-thenable
  return Object.assign(Object.create(Promise.prototype) as Promise<unknown>, { then });
}

export class LineClient {
  readonly port: number;
  readonly socket: FakeSocket;
  reads = true;
  hasFinished = false;
  hasReset = false;
  /** The message that the server ends the connection at. */
  ending: Kind | undefined = undefined;
  expected: string;
  /** Without nudges, as nobody knows how often it is nudged. */
  received = '';
  /** It has got a nudge without its end. */
  #isNudged = false;
  #messages = 0;
  /** The line that was begun: what is still to be sent of it, and what it asks for. */
  #begun: { rest: string; readonly kind: Kind } | undefined = undefined;

  constructor(port: number, socket: FakeSocket, speaksFirst: boolean) {
    this.port = port;
    this.socket = socket;
    this.expected = speaksFirst ? GREETING : '';
  }

  get canSend(): boolean {
    return !this.hasFinished && !this.hasReset;
  }

  /** It has begun a line that it has not ended. */
  get isPartWay(): boolean {
    return this.#begun !== undefined;
  }

  /** Ends the line that was begun, and sends whole ones, each a message. */
  sendLines(kinds: readonly Kind[]): void {
    let text = this.#begun?.rest ?? '';
    if (this.#begun !== undefined) this.#expect(this.#begun.kind);
    this.#begun = undefined;
    for (const kind of kinds) {
      text += `${this.port}.${this.#messages}.${kind}\n`;
      this.#expect(kind);
    }
    this.#write(text);
  }

  /** Begins a line, or sends more of it, but not its end. */
  sendPart(kind: Kind, part: number): void {
    this.#begun ??= { rest: `${this.port}.${this.#messages}.${kind}\n`, kind };
    const { rest } = this.#begun;
    const count = part % rest.length;
    this.#write(rest.slice(0, count));
    this.#begun.rest = rest.slice(count);
  }

  finish(): void {
    this.hasFinished = true;
    this.socket.finish();
  }

  reset(): void {
    this.hasReset = true;
    this.socket.reset();
  }

  receive(): void {
    const text = (this.#isNudged ? NUDGE : '') + this.socket.read().toString();
    this.#isNudged = text.endsWith(NUDGE);
    this.received += text.replaceAll(`${NUDGE}\n`, '').replace(NUDGE, '');
  }

  #expect(kind: Kind): void {
    const name = `${this.port}.${this.#messages++}`;
    if (this.ending !== undefined) return;
    this.expected += replyTo(name, kind);
    if (kind === 'close' || kind === 'throw' || kind === 'reject') this.ending = kind;
  }

  #write(text: string): void {
    this.socket.write(Buffer.from(text));
  }
}
