/** Prints, at the start, what is served, on how many threads, where, and who can reach it. */

import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { escapeText } from '../log/escape.ts';
import type { TlsStart } from '../options/tls/tls-type.ts';
import type { ThreadRange } from '../options/values/threads.ts';
import type { EngineName } from '../server/engine.ts';
import type { ServerAddress } from '../listen/listening-socket.ts';

export interface Serving {
  /** How a person calls the service. */
  readonly service: string;
  readonly threads: ThreadRange;
  /** Whether the service is Heddle's own. */
  readonly isBuiltIn: boolean;
  readonly addresses: readonly ServerAddress[];
  /** When TLS begins; `undefined`: never. */
  readonly tls: TlsStart | undefined;
  /** Whether the addresses were given by `listen`. */
  readonly isListed: boolean;
  readonly engine: EngineName;
  /** Where metrics are served, if they are. */
  readonly metrics: { readonly host: string; readonly port: number } | undefined;
  /** The file that options were read from, if any were. */
  readonly config: string | undefined;
}

const ALL_INTERFACES: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** For those who keep something in a variable: on each thread, it has another value. */
const NOT_SHARED = 'Variables of the module are not shared between threads: see client.state and the option shared';

/** The lines that are printed once clients can connect. */
export function bannerLines(serving: Serving): string[] {
  const lines = [
    `Serving ${escapeText(serving.service)} on ${threadsText(serving.threads)}${tlsText(serving.tls)}`,
    ...(serving.isBuiltIn || serving.threads.max === 1 ? [] : [NOT_SHARED]),
    ...(serving.config === undefined ? [] : [`Options are read from ${escapeText(serving.config)}`]),
    ...addressLines(serving.addresses),
    ...(serving.metrics === undefined ? [] : [`Metrics are at ${metricsUrl(serving.metrics)}`]),
  ];
  if (serving.engine === 'net') {
    lines.push('Each client stays on the thread that it gets (engine net): it waits while another blocks that thread');
  }
  const open = serving.addresses.find(({ host }) => ALL_INTERFACES.has(host));
  if (open !== undefined) {
    const flag = serving.isListed ? `--listen 127.0.0.1:${open.port}` : '--host 127.0.0.1';
    lines.push(`Other machines can connect to it. To keep it to this one: heddle serve ${flag}`);
  }
  return lines;
}

/** Where metrics are, for a browser or a scrape. */
export function metricsUrl({ host, port }: { readonly host: string; readonly port: number }): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}/metrics`;
}

/** One port is told apart from others by its number, several also by their hosts. */
function addressLines(addresses: readonly ServerAddress[]): string[] {
  const isAlone = addresses.filter(({ family }) => family !== 'unix').length === 1;
  return addresses.map((address) => {
    if (address.family === 'unix') return `Server running on unix:${escapeText(address.path)}`;
    return `Server running on port ${address.port}${isAlone ? '' : ` (${address.host})`}`;
  });
}

function tlsText(start: TlsStart | undefined): string {
  if (start === undefined) return '';
  return start === 'now' ? ', over TLS' : ', over TLS once the service starts it';
}

function threadsText({ min, max }: ThreadRange): string {
  if (min !== max) return `${min} to ${max} threads`;
  return min === 1 ? '1 thread' : `${min} threads`;
}

/** Names a service by its path from `directory`, or as the built-in one. */
export function serviceText(service: URL | string | undefined, bytes: boolean, directory: string): string {
  if (service === undefined)
    return bytes ? 'the built-in reverse service, byte by byte' : 'the built-in reverse service';
  const url = service.toString();
  if (!url.startsWith('file:')) return url;
  const path = fileURLToPath(url);
  const short = relative(directory, path);
  return short.startsWith('..') ? path : short;
}
