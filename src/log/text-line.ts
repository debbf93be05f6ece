/** Writes an event for people to read. */

import type { CloseReason } from '../sharing/close-reason.ts';
import { UNIX_PEER } from '../sys/structs/socket-address.ts';
import { deployText, unaccounted } from './deploy-text.ts';
import { escapeText } from './escape.ts';
import type {
  AcceptPausedEvent,
  CloseEvent,
  DeployEvent,
  LockStuckEvent,
  ServerEvent,
  ServiceErrorEvent,
  ThreadExitEvent,
  OnlyThreadBlockedEvent,
  ThreadOverdueEvent,
  ThreadBlockedEvent,
  TurnEvent,
} from './event.ts';
import type { Line } from './line.ts';

/** Reasons that are the ordinary end of a connection, and so not worth a word. */
const ORDINARY: ReadonlySet<CloseReason> = new Set<CloseReason>(['client-finished', 'server-finished', 'shutdown']);

const OUT_OF_FILES = 'too many open files; raise the limit with ulimit -n';
const PAUSES: Readonly<Record<string, string>> = {
  EMFILE: OUT_OF_FILES,
  ENFILE: 'the whole system is out of open files',
  'max-clients': 'there are as many as maxClients allows',
};

/** How a line says that a client has come or gone: as the article's server does, or as other servers do. */
export type ClientWords = 'article' | 'plain';

const COME_AND_GONE: Readonly<Record<ClientWords, readonly [string, string]>> = {
  article: ['Connected to', 'Bye'],
  plain: ['Client connected', 'Client disconnected'],
};

type LineOf<Type extends ServerEvent['type']> = (
  event: Extract<ServerEvent, { type: Type }>,
  words: ClientWords,
) => Line | undefined;

/** By type of event. */
const LINES: { readonly [Type in ServerEvent['type']]: LineOf<Type> } = {
  open: (event, words) => out(`${COME_AND_GONE[words][0]}: ${client(event)}`),
  close: (event, words) => out(`${COME_AND_GONE[words][1]}: ${client(event)}${closeNote(event)}`),
  'service-error': (event) => err(serviceError(event)),
  'thread-start': ({ thread }) => out(`Thread ${thread} serves`),
  drain: () => undefined, // The command says so itself, by what signal.
  'thread-exit': (event) => err(threadExit(event)),
  'thread-overdue': (event) => err(threadOverdue(event)),
  'thread-blocked': (event) => err(threadBlocked(event)),
  turn: (event) => err(turn(event)),
  'thread-lost': ({ thread }) => err(threadLost(thread)),
  'threads-limited': ({ threads, detail }) => err(`${detail}. Until then ${threadsGoOn(threads)}`),
  'only-thread-blocked': (event) => err(onlyThreadBlocked(event)),
  'accept-paused': (event) => err(acceptPaused(event)),
  reject: (event) => err(`Turned away: ${client(event)} (${event.reason})`),
  'rejects-hidden': ({ count }) => err(`${count} more ${count === 1 ? 'client was' : 'clients were'} turned away`),
  'events-lost': ({ count }) => err(eventsLost(count)),
  'lock-stuck': ({ what }) => err(lockStuck(what)),
  'certificate-expired': ({ certificate, expired }) => err(certificateExpired(certificate, expired)),
  reload: ({ threads }) => out(`Serving new code on ${threads} ${threads === 1 ? 'thread' : 'threads'}`),
  'reload-failed': ({ error }) =>
    err(`The new code cannot be loaded; the old code goes on: ${escapeText(error.message)}`),
  deploy: (event) => deployLine(event),
  'handing-over': ({ successor }) => out(`Handing over to process ${successor}: it accepts clients from now on`),
  'handed-over': (event) => out(`Handed over ${clients(event.clients)} to process ${event.successor}`),
  'hand-over-failed': ({ successor }) =>
    err(`Process ${successor} ended before it had taken all clients: this one accepts clients again`),
  'not-opened': ({ error, what }) =>
    err(
      `${escapeText(error.message)}. Until then nobody can ask the server for ${what === 'metrics' ? 'metrics' : 'its clients'}`,
    ),
  'taken-over': (event) => out(`Took over ${clients(event.clients)} from process ${event.predecessor}`),
};

/** The line for `event`; undefined if it is of no interest to a reader. */
export function textLine(event: ServerEvent, words: ClientWords = 'article'): Line | undefined {
  const lineOf = LINES[event.type] as (event: ServerEvent, words: ClientWords) => Line | undefined;
  return lineOf(event, words);
}

function out(text: string): Line {
  return { to: 'stdout', text };
}

function err(text: string): Line {
  return { to: 'stderr', text };
}

function client(of: { readonly address: string; readonly port: number }): string {
  return of.address === UNIX_PEER ? UNIX_PEER : `${escapeText(of.address)} : ${of.port}`;
}

function eventsLost(count: number): string {
  const what = count === 1 ? '1 event is not shown: it' : `${count} events are not shown: they`;
  return `${what} came faster than ${count === 1 ? 'it' : 'they'} could be written`;
}

/** The line that stands for `count` lines that nobody has read. */
export function linesLost(count: number): string {
  const what = count === 1 ? '1 line is missing here' : `${count} lines are missing here`;
  return `${what}: nobody read the log, or there was no room for it`;
}

function lockStuck(what: LockStuckEvent['what']): string {
  const without =
    what === 'messages' ? 'Clients with part of a message no longer move' : 'Clients are not counted by address';
  return `${without}: a thread does not give back the lock that takes. This is a fault of Heddle: please report it, and restart the server`;
}

function threadsGoOn(count: number): string {
  if (count === 0) return 'no client is served';
  return count === 1 ? 'the server goes on with 1 thread' : `the server goes on with ${count} threads`;
}

function clients(count: number): string {
  return count === 1 ? '1 client' : `${count} clients`;
}

function closeNote(event: CloseEvent): string {
  if (ORDINARY.has(event.reason) && event.detail === undefined) return '';
  return event.detail === undefined ? ` (${event.reason})` : ` (${event.reason}: ${escapeText(event.detail)})`;
}

function serviceError(event: ServiceErrorEvent): string {
  const { code, message, stack = '' } = event.error;
  const where = `client ${client(event)} on thread ${event.thread}`;
  const first = `The service failed with ${where} (${escapeText(code)}): ${escapeText(message)}`;
  return [first, ...framesOf(stack)].join('\n');
}

function threadExit({ cause, detail, thread }: ThreadExitEvent): string {
  const [what = ''] = detail.split(FRAMES, 1);
  return [`Thread ${thread} ended (${escapeText(cause)}): ${escapeText(what)}`, ...framesOf(detail)].join('\n');
}

/** Where the frames of a stack begin. */
const FRAMES = /\n(?=[^\S\n]+at |Caused by: )/;

/** The lines of a stack that say where, and what caused it. */
function framesOf(stack: string): string[] {
  return stack
    .split(FRAMES)
    .slice(1)
    .map((frame) => (frame.startsWith('Caused by: ') ? escapeText(frame) : `    ${escapeText(frame.trim())}`));
}

function threadOverdue(event: ThreadOverdueEvent): string {
  return `Thread ${event.thread} was blocked for ${Math.round(event.blockedMs)} ms${by(event)}${inCode(event)}`;
}

function threadBlocked(event: ThreadBlockedEvent): string {
  return `Thread ${event.thread} has been blocked for ${event.blockedMs} ms${by(event)}${inCode(event)}, and still is`;
}

function turn(event: TurnEvent): string {
  const { blockedMs, hidden, moved, reliefMs = 0, thread } = event;
  const left = moved === undefined ? '' : `; ${clients(moved)} moved within ${Math.ceil(reliefMs)} ms`;
  const more = hidden === undefined ? '' : `; ${hidden} more such blocks were not shown`;
  return `Thread ${thread} was blocked for ${blockedMs} ms${by(event)}${inCode(event)}${left}${more}`;
}

function inCode({ code }: { readonly code?: string }): string {
  return code === undefined ? '' : ` in ${escapeText(code)}`;
}

function threadLost(thread: number): string {
  const what = `Thread ${thread} does not end: it is in a system call that does not return (a file, a lock, a child process)`;
  return `${what}. Another one takes its place`;
}

function onlyThreadBlocked(event: OnlyThreadBlockedEvent): string {
  const waiting = event.waiting === 1 ? '1 other client waits' : `${event.waiting} other clients wait`;
  return `The only thread is blocked${by(event)}: ${waiting}. Allow more threads, with --threads 2..8, and they move to another one`;
}

function by({ address, port }: { readonly address?: string; readonly port?: number }): string {
  return address === undefined || port === undefined ? '' : ` by client ${client({ address, port })}`;
}

function certificateExpired(certificate: string, expired: string): string {
  const what = `The certificate in ${escapeText(certificate)} has expired (${escapeText(expired)})`;
  return `${what}: handshakes will fail. Replace the file, then send SIGHUP to read it again`;
}

/** The event `reload-failed` says more of a reload that has failed. */
function deployLine(event: DeployEvent): Line | undefined {
  const { kind, result } = event;
  if (result === 'failure' && kind === 'reload') return undefined;
  const text = `Deploy: ${escapeText(deployText(event))}`;
  return result === 'failure' || unaccounted(event) !== 0 ? err(text) : out(text);
}

function acceptPaused(event: AcceptPausedEvent): string {
  const why = PAUSES[event.cause];
  return `New clients wait for a moment (${escapeText(event.cause)}${why === undefined ? '' : `: ${why}`})`;
}
