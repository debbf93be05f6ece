/** Used to say, at the start, what is served, on how many threads, where, and who can reach it. */

import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { escapeText } from '../log/escape.ts';
import type { ThreadRange } from '../options/threads.ts';
import type { EngineName } from '../server/engine.ts';
import type { ServerAddress } from '../server/listening-socket.ts';

export interface Serving {
  /** How a person calls the service. */
  readonly service: string;
  readonly threads: ThreadRange;
  readonly addresses: readonly ServerAddress[];
  /** Whether clients are served over TLS. */
  readonly tls: boolean;
  readonly engine: EngineName;
}

const ALL_INTERFACES: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** The lines that are printed once clients can connect. */
export function bannerLines(serving: Serving): string[] {
  const lines = [
    `Serving ${escapeText(serving.service)} on ${threadsText(serving.threads)}${serving.tls ? ', over TLS' : ''}`,
    ...serving.addresses.map((address) => `Server running on ${addressText(address)}`),
  ];
  if (serving.engine === 'net') {
    lines.push('Each client stays on the thread that it gets (engine net): it waits while another holds that thread');
  }
  if (serving.addresses.some(({ host }) => ALL_INTERFACES.has(host))) {
    lines.push('Other machines can connect to it. To keep it to this one: heddle serve --host 127.0.0.1');
  }
  return lines;
}

function addressText(address: ServerAddress): string {
  return address.family === 'unix' ? `unix:${escapeText(address.path)}` : `port ${address.port}`;
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
