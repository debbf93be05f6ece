/** Answers the HTTP requests of those who watch a server: metrics and probes, and more at the control socket. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { controlReply } from './control/requests.ts';
import { refusal } from './control/replies.ts';
import type { Controlled } from './control/controlled.ts';
import { CONTENT_TYPES, formatFor } from './exposition.ts';
import { serverMetrics } from './metrics.ts';
import type { Watched } from './observed.ts';
import { Refused } from './refused.ts';
import { type Reply, sendReply } from './reply.ts';

/** How long the acceptor may take to answer a probe, in ms. */
const PING_MS = 1000;

export interface RequestSettings {
  readonly watched: Watched;
  /** Names, beside addresses and `localhost`, by which this place may be called. */
  readonly hosts: readonly string[];
  /** How errors name the option that has them. */
  readonly hostsOption: string;
  /** What is asked and told beyond metrics; left out: nothing. */
  readonly controlled?: Controlled;
}

/** Makes what answers each request. */
export function answers(settings: RequestSettings): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    replyTo(request, settings)
      .catch(failed)
      .then(async (reply) => sendReply(request, response, reply))
      .catch(() => response.destroy());
  };
}

async function replyTo(request: IncomingMessage, settings: RequestSettings): Promise<Reply> {
  const refused = refusalOf(request, settings);
  if (refused !== undefined) return refused;
  const [path] = (request.url ?? '').split('?', 1);
  if (path === '/metrics') return metrics(request, settings.watched);
  if (path === '/readyz') return ready(settings.watched);
  if (path === '/livez') return alive(settings.watched);
  const { controlled } = settings;
  if (controlled === undefined) return { status: 404, text: 'There are /metrics, /livez and /readyz here\n' };
  return (await controlReply(request, controlled)) ?? refusal(404, 'This version of Heddle has nothing at that path');
}

/** A question that is none, one that is refused for now, or a fault of ours. */
function failed(error: unknown): Reply {
  if (error instanceof RangeError) return refusal(400, error.message);
  if (error instanceof Refused) return refusal(error.status, error.message);
  return { status: 500, text: `${String(error)}\n` };
}

function refusalOf(request: IncomingMessage, { controlled, hosts, hostsOption }: RequestSettings): Reply | undefined {
  const { headers, method } = request;
  if (!isOwnName(headers.host ?? '', hosts)) {
    const text = `This server is not known by the name in the Host header. Allow the name with ${hostsOption}\n`;
    return { status: 421, text };
  }
  if (method === 'POST' && controlled !== undefined) return undefined;
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
