/** Answers the HTTP requests of those who watch a server: metrics and probes, nothing that changes anything. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { CONTENT_TYPES, formatFor } from './exposition.ts';
import { serverMetrics } from './metrics.ts';
import type { Watched } from './observed.ts';

/** How long a reply may take to be read, in ms. */
const READ_MS = 10_000;
/** How long the acceptor may take to answer a probe, in ms. */
const PING_MS = 1000;

const PLAIN = 'text/plain; charset=utf-8';

interface Reply {
  readonly status: number;
  readonly text: string;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RequestSettings {
  readonly watched: Watched;
  /** Names, beside addresses and `localhost`, by which this place may be called. */
  readonly hosts: readonly string[];
  /** How errors name the option that has them. */
  readonly hostsOption: string;
}

/** Makes what answers each request. */
export function answers(settings: RequestSettings): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    cutSlowReader(response);
    replyTo(request, settings).then(
      (reply) => send(request, response, reply),
      (error: unknown) => send(request, response, { status: 500, text: `${String(error)}\n` }),
    );
  };
}

async function replyTo(request: IncomingMessage, settings: RequestSettings): Promise<Reply> {
  const refusal = refusalOf(request, settings);
  if (refusal !== undefined) return refusal;
  const [path] = (request.url ?? '').split('?', 1);
  if (path === '/metrics') return metrics(request, settings.watched);
  if (path === '/readyz') return ready(settings.watched);
  if (path === '/livez') return alive(settings.watched);
  return { status: 404, text: 'There are /metrics, /livez and /readyz here\n' };
}

function refusalOf(request: IncomingMessage, { hosts, hostsOption }: RequestSettings): Reply | undefined {
  const { headers, method } = request;
  if (!isOwnName(headers.host ?? '', hosts)) {
    const text = `This server is not known by the name in the Host header. Allow the name with ${hostsOption}\n`;
    return { status: 421, text };
  }
  if (method !== 'GET' && method !== 'HEAD')
    return { status: 405, text: 'Only GET and HEAD are answered\n', headers: { Allow: 'GET, HEAD' } };
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
  return hasBody ? { status: 413, text: 'A request has no body here\n' } : undefined;
}

/**
 * Whether `host`, a Host header, is an address, `localhost` or one of `hosts`. A page of another site that has its own name resolve to this
 * machine (DNS rebinding) has that name in the header.
 */
export function isOwnName(host: string, hosts: readonly string[]): boolean {
  const [, v6, name = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d{1,5})?$/.exec(host) ?? [];
  if (v6 !== undefined) return isIP(v6) === 6;
  const plain = name.toLowerCase();
  return isIP(plain) === 4 || plain === 'localhost' || hosts.some((own) => own.toLowerCase() === plain);
}

function metrics(request: IncomingMessage, watched: Watched): Reply {
  const format = formatFor(request.headers.accept);
  return { status: 200, text: serverMetrics(watched.observe(), format), type: CONTENT_TYPES[format] };
}

function ready(watched: Watched): Reply {
  const { state } = watched.observe();
  return { status: state === 'ready' ? 200 : 503, text: `${state}\n` };
}

async function alive(watched: Watched): Promise<Reply> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${PING_MS} ms`), PING_MS);
  });
  const answered = watched.ping().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const problem = await Promise.race([answered, late]);
  clearTimeout(timer);
  return problem === undefined ? { status: 200, text: 'alive\n' } : { status: 503, text: `${problem}\n` };
}

/** Who does not read a reply does not keep its memory. */
function cutSlowReader(response: ServerResponse): void {
  const timer = setTimeout(() => response.destroy(), READ_MS).unref();
  response.once('close', () => clearTimeout(timer));
}

function send({ method }: IncomingMessage, response: ServerResponse, reply: Reply): void {
  const body = Buffer.from(reply.text);
  // What comes behind a request that was refused is not read.
  const ending = reply.status >= 400 && reply.status < 500 ? { Connection: 'close' } : {};
  response.writeHead(reply.status, {
    'Content-Type': reply.type ?? PLAIN,
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...ending,
    ...reply.headers,
  });
  response.end(method === 'HEAD' ? undefined : body);
}
