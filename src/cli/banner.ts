/** Used to say, at the start, what is served, on how many threads, where, and who can reach it. */

import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { escapeText } from '../log/escape.ts';
import type { ThreadRange } from '../options/threads.ts';

export interface Serving {
  /** How a person calls the service. */
  readonly service: string;
  readonly threads: ThreadRange;
  /** Whether clients are served over TLS. */
  readonly tls: boolean;
  /** What the user asked to listen on; undefined is all interfaces. */
  readonly host: string | undefined;
  readonly port: number;
}

const ALL_INTERFACES: ReadonlySet<string | undefined> = new Set([undefined, '0.0.0.0', '::', '0:0:0:0:0:0:0:0']);

/** The lines that are printed once clients can connect. */
export function bannerLines(serving: Serving): string[] {
  const lines = [
    `Serving ${escapeText(serving.service)} on ${threadsText(serving.threads)}${serving.tls ? ', over TLS' : ''}`,
    `Server running on port ${serving.port}`,
  ];
  if (ALL_INTERFACES.has(serving.host)) {
    lines.push('Other machines can connect to it. To keep it to this one: heddle serve --host 127.0.0.1');
  }
  return lines;
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
