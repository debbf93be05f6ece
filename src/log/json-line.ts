/** Writes an event for programs to read: one JSON object on one line, all of them to stdout. */

import { escapeJson } from './escape.ts';
import type { EventError, ServerEvent } from './event.ts';
import type { Line } from './line.ts';

/** What the command itself reports, beside the events of the server. */
export interface ListeningEvent {
  readonly type: 'listening';
  readonly time: number;
  readonly host: string;
  readonly port: number;
  /** Everywhere it listens; `host` and `port` are those of the first. */
  readonly addresses: readonly {
    readonly family: string;
    readonly host: string;
    readonly port: number;
    readonly path?: string;
  }[];
  readonly service: string;
  readonly threads: { readonly min: number; readonly max: number };
  /** `epoll` or `net`. */
  readonly engine: string;
  /** The file that options were read from, if any were. */
  readonly config?: string;
}

/** The server is leaving, because of `signal`. */
export interface LeavingEvent {
  readonly type: 'leaving';
  readonly time: number;
  readonly signal: string;
}

/** The command does not notice changes of the service, or has no control socket. */
export interface CommandFailedEvent {
  readonly type: 'watch-failed' | 'no-control';
  readonly time: number;
  readonly error: EventError;
}

/** The line for `event`. */
export function jsonLine(event: ServerEvent | ListeningEvent | LeavingEvent | CommandFailedEvent): Line {
  return { to: 'stdout', text: escapeJson(JSON.stringify(event)) };
}
