/** Serves the page on this machine: to whoever knows its token, and to no page of another site. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Rights } from '../../admin/view/frames.ts';
import { isOwnName } from '../../admin/requests.ts';
import { type Reply, sendReply } from '../../admin/reply.ts';
import { bodyOf } from '../../admin/request-body.ts';
import { HeddleError } from '../../errors.ts';
import { escapeJson } from '../../log/escape.ts';
import type { Feed } from './feed.ts';
import { EventStream } from './event-stream.ts';
import { type SendRequest, sendRequest, type SendResult } from './send.ts';

const HOST = '127.0.0.1';
const MAX_CONNECTIONS = 64;
const MAX_STREAMS = 8;
const MAX_BODY_BYTES = 16 * 1024;
const LIMITS = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  /** How often these times are checked, in ms. */
  connectionsCheckingInterval: 1_000,
};

const JSON_TYPE = 'application/json; charset=utf-8';

export interface PageParts {
  readonly html: string;
  readonly feed: Feed;
  /** The clients that a query chooses, as `/v1/clients` of the control socket does. */
  readonly clients: (query: string) => Promise<readonly unknown[]>;
  /** Left out: the page may not. */
  readonly send?: (request: SendRequest) => Promise<SendResult>;
  readonly kick?: (id: number) => Promise<unknown>;
  /** 0: any that is free. */
  readonly port: number;
  /** How long the head of a request may take, and all of it, in ms; left out: 5 s and 10 s. */
  readonly limits?: { readonly headersTimeout: number; readonly requestTimeout: number };
}

export class PageServer {
  /** Whoever has it may see the server's clients and send messages. */
  readonly token = randomBytes(32).toString('base64url');
  readonly #parts: PageParts;
  readonly #server: Server;
  readonly #policy: string;
  readonly #streams = new Set<EventStream>();

  constructor(parts: PageParts) {
    this.#parts = parts;
    this.#policy = policyFor(parts.html);
    this.#server = createServer({ ...LIMITS, ...parts.limits }, (request, response) => this.#answer(request, response));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Gives the address of the page, with its token. Errors: `HEDDLE_LISTEN`. */
  async open(): Promise<string> {
    const { port } = this.#parts;
    await new Promise<void>((opened, refused) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        const text = `Cannot serve the page on ${HOST}:${port}: ${error.code ?? error.message}. Choose another port with --port`;
        refused(new HeddleError('HEDDLE_LISTEN', text, { cause: error }));
      });
      this.#server.listen(port, HOST, opened);
    });
    const { port: given } = this.#server.address() as AddressInfo;
    return `http://${HOST}:${given}/#${this.token}`;
  }

  close(): void {
    for (const stream of this.#streams) stream.close();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const [path = ''] = (request.url ?? '').split('?', 1);
    const refused = this.#refusal(request, path);
    if (refused === undefined && path === '/v1/stream') return this.#stream(response);
    const reply = refused === undefined ? this.#reply(request, path) : Promise.resolve(refused);
    reply
      .catch(failed)
      .then(async (known) => sendReply(request, response, known))
      .catch(() => response.destroy());
  }

  /** Each row is an attack: see docs/page.md. */
  #refusal({ headers, method }: IncomingMessage, path: string): Reply | undefined {
    if (!isOwnName(headers.host ?? '', [])) return refusal(421, 'The page is at 127.0.0.1 and has no other name');
    const isPost = path === '/v1/send' || path === '/v1/kick';
    if (method !== (isPost ? 'POST' : 'GET')) return refusal(405, `${path} takes ${isPost ? 'POST' : 'GET'} only`);
    if (path === '/') return undefined;
    const { authorization = '', origin } = headers;
    const site = headers['sec-fetch-site'];
    const isForeign =
      (origin !== undefined && origin !== `http://${headers.host}`) ||
      (site !== undefined && site !== 'same-origin' && site !== 'none');
    if (isForeign) return refusal(403, 'A page of another site may not ask here');
    if (!isSame(authorization, `Bearer ${this.token}`))
      return refusal(401, 'Open the page by the address that heddle page has printed: it ends in a token');
    const isJson = /^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '');
    return isPost && !isJson ? refusal(415, `${path} takes application/json`) : undefined;
  }

  async #reply(request: IncomingMessage, path: string): Promise<Reply> {
    if (path === '/')
      return { status: 200, text: this.#parts.html, type: 'text/html; charset=utf-8', headers: this.#headers };
    const { clients, kick, send } = this.#parts;
    if (path === '/v1/clients') return json(await clients((request.url ?? '').slice(path.length)));
    if (path === '/v1/send') return send === undefined ? NO_RIGHT : json(await send(sendRequest(await asked(request))));
    if (path === '/v1/kick') return kick === undefined ? NO_RIGHT : json(await kick(clientIn(await asked(request))));
    return refusal(404, 'There is nothing at that path');
  }

  #stream(response: ServerResponse): void {
    if (this.#streams.size >= MAX_STREAMS) {
      response.writeHead(503, { 'Content-Type': JSON_TYPE });
      response.end(JSON.stringify({ error: { message: `The page is open ${MAX_STREAMS} times already` } }));
      return;
    }
    const stream = new EventStream(response, this.#parts.feed, this.#rights);
    this.#streams.add(stream);
    response.once('close', () => this.#streams.delete(stream));
  }

  get #rights(): Rights {
    return { kick: this.#parts.kick !== undefined, send: this.#parts.send !== undefined };
  }

  get #headers(): Readonly<Record<string, string>> {
    return {
      'Content-Security-Policy': this.#policy,
      'Referrer-Policy': 'no-referrer',
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Resource-Policy': 'same-origin',
    };
  }
}

/** What the page may do: run its own script and style, ask this place, and nothing else. */
export function policyFor(html: string): string {
  const [, style = ''] = /<style>([^]*?)<\/style>/.exec(html) ?? [];
  const [, script = ''] = /<script>([^]*?)<\/script>/.exec(html) ?? [];
  return [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

function isSame(given: string, expected: string): boolean {
  const [one, other] = [given, expected].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(one as Buffer, other as Buffer);
}

function refusal(status: number, message: string): Reply {
  return { status, text: `${JSON.stringify({ error: { message } })}\n`, type: JSON_TYPE };
}

const NO_RIGHT = refusal(403, 'This page only shows: heddle page was started with --read-only');

/** A question that is none, or one that the server does not answer. */
function failed(error: unknown): Reply {
  if (error instanceof TooLong) return refusal(413, error.message);
  if (error instanceof RangeError) return refusal(400, error.message);
  if (!(error instanceof HeddleError)) return refusal(500, 'The command has failed');
  return refusal(error.code === 'HEDDLE_INVALID_OPTION' ? 400 : 502, error.message);
}

function json(value: unknown): Reply {
  return { status: 200, text: escapeJson(JSON.stringify(value)), type: JSON_TYPE };
}

class TooLong extends Error {}

/** The body of a request, as JSON. Throws a `RangeError` for one that is none, and `TooLong`. */
async function asked(request: IncomingMessage): Promise<unknown> {
  const body = await bodyOf(request, MAX_BODY_BYTES);
  if (body === undefined) throw new TooLong(`A message has at most ${MAX_BODY_BYTES} bytes`);
  try {
    return JSON.parse(body);
  } catch {
    throw new RangeError('The request is no JSON');
  }
}

function clientIn(value: unknown): number {
  const { id } = (value ?? {}) as { readonly id?: unknown };
  if (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0) return id;
  throw new RangeError('id is the number of a client');
}
