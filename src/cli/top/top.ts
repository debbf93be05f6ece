/** Runs `heddle top`: shows a running server in a terminal, or prints it once, or line by line. */
import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClosedClient } from '../../admin/control/closed-clients.ts';
import type { ListedClient } from '../../admin/control/client-list.ts';
import type { Sample } from '../../admin/view/sample.ts';
import { type View, viewOf } from '../../admin/view/view.ts';
import { amountText } from '../../admin/view/amounts.ts';
import { durationText } from '../../admin/words.ts';
import { HeddleError } from '../../errors.ts';
import { escapeText } from '../../log/escape.ts';
import { parseDuration } from '../../options/values/duration.ts';
import { all, askLines } from '../control/ask.ts';
import { eventsAfter } from '../control/events.ts';
import { findServer } from '../control/find-server.ts';
import { kickClient } from '../control/kick.ts';
import { profileLines } from '../control/profile.ts';
import { takeSample } from '../control/sample.ts';
import { print } from '../terminal.ts';
import { layout } from './layout.ts';
import type { Questions } from './browsing.ts';
import { asciiText, lineText } from './line.ts';
import { SORTS } from './navigation.ts';
import { LiveTop, type Signals, type TopTerminal } from './live-top.ts';

export interface TopFlags {
  readonly once?: boolean;
  readonly json?: boolean;
  readonly interval?: string;
  readonly filter?: string;
  readonly sort?: string;
  readonly ascii?: boolean;
  readonly readOnly?: boolean;
}

const DEFAULT_INTERVAL = '1s';
const SHORTEST_MS = 100;
const LONGEST_MS = 3_600_000;
/** Where nothing says how wide the output is. */
const COLUMNS = 120;

/** Gives the exit status. Errors: `HEDDLE_CONNECT` and `HEDDLE_TIMEOUT` if there is no server, or none any more. */
export async function runTop(
  target: string | undefined,
  flags: TopFlags,
  environment: NodeJS.ProcessEnv,
  terminal: TopTerminal,
  signals: Signals = process,
): Promise<number> {
  const { ascii: isAscii = false, filter = '', interval = DEFAULT_INTERVAL, json = false, once = false } = flags;
  const intervalMs = intervalOf(interval);
  const sort = sortOf(flags.sort ?? 'idle');
  const socket = await findServer(target, environment);
  const hasScreen = terminal.stdout.isTTY === true && environment['TERM'] !== 'dumb';
  const hasColours = terminal.stdout.isTTY === true && (environment['NO_COLOR'] ?? '') === '';
  // To open a connection for each question would cost as much as the question. An idle one keeps no process alive.
  const agent = new Agent({ keepAlive: true });
  const take = async (): Promise<Sample> => takeSample(socket, agent);
  if (hasScreen && !once && !json) {
    const questions = questionsTo(socket, agent, flags.readOnly ?? false);
    const shown = { hasColours, isAscii, filter, sort };
    return new LiveTop({ take, intervalMs, questions, ...shown, terminal, signals }).run();
  }
  const columns = terminal.stdout.columns ?? COLUMNS;
  const plain = once ? (view: View) => wholeText(view, columns, hasColours) : summaryLine;
  const textOf = json ? jsonLine : isAscii ? (view: View) => asciiText(plain(view)) : plain;
  return printViews(take, intervalMs, once, terminal, textOf);
}

/** Prints each view as it comes, or the first; what happens in a second takes two samples. */
async function printViews(
  take: () => Promise<Sample>,
  intervalMs: number,
  isOnce: boolean,
  terminal: TopTerminal,
  textOf: (view: View) => string,
): Promise<number> {
  let before = await take();
  for (;;) {
    await delay(intervalMs);
    const sample = await take();
    await print(terminal, `${textOf(viewOf(sample, before))}\n`);
    if (isOnce || !terminal.stdout.writable) return 0;
    before = sample;
  }
}

function jsonLine(view: View): string {
  return JSON.stringify(view);
}

function wholeText(view: View, columns: number, hasColours: boolean): string {
  const lines = layout(view, { columns, rows: Infinity });
  return lines.map((line) => lineText(line, columns, hasColours).trimEnd()).join('\n');
}

function summaryLine({ clients, longestMs, rates, threads, time, verdict, waits }: View): string {
  const wait = waits.p99Ms === undefined ? 'none answered' : `99 % ≤ ${durationText(waits.p99Ms)}`;
  const parts = [
    new Date(time).toTimeString().slice(0, 8),
    `${clients} clients on ${threads.length} threads`,
    `${amountText(rates?.messages ?? 0)} messages/s`,
    wait,
    `longest ${durationText(longestMs)}`,
    verdict.text,
  ];
  return escapeText(parts.join('  '));
}

function questionsTo(socket: string, agent: Agent, isReadOnly: boolean): Questions {
  return {
    clients: async (query) =>
      (await all(askLines(socket, `/v1/clients?${query.toString()}`, { agent }))) as ListedClient[],
    left: async () => (await all(askLines(socket, '/v1/clients?state=closed&limit=200', { agent }))) as ClosedClient[],
    events: async (seq: number) => eventsAfter(socket, seq, agent),
    ...(!isReadOnly && {
      kick: async (id: number) => (await kickClient(socket, id)) ?? 'gone',
      profile: async (thread: number, ms: number, signal: AbortSignal) => profileLines(socket, thread, ms, signal),
    }),
  };
}

function sortOf(text: string): string {
  if ((SORTS as readonly string[]).includes(text)) return text;
  throw new HeddleError('HEDDLE_INVALID_OPTION', `--sort is one of ${SORTS.join(', ')}, got ${JSON.stringify(text)}`);
}

function intervalOf(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= SHORTEST_MS && ms <= LONGEST_MS) return ms;
  const message = `--interval is a duration from 100ms to 1h, such as 1s, got ${JSON.stringify(text)}`;
  throw new HeddleError('HEDDLE_INVALID_OPTION', message);
}
