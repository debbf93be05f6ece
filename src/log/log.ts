/** Prints what happens: each event as a line of text or of JSON, if it matters enough. */

import type { Writable } from 'node:stream';
import type { ServerEvent } from './event.ts';
import { jsonLine, type LeavingEvent, type ListeningEvent, type CommandFailedEvent } from './json-line.ts';
import { isShown, levelOf, type LogLevel } from './level.ts';
import type { Line } from './line.ts';
import { Output } from './output.ts';
import { openTarget, streamTarget } from './target.ts';
import { type ClientWords, linesLost, textLine } from './text-line.ts';
import { wantsTimestamps, withTimestamp } from './timestamps.ts';

export const LOG_FORMATS = ['text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export interface LogStreams {
  readonly stdout: Writable;
  readonly stderr: Writable;
}

export interface LogSettings {
  readonly format: LogFormat;
  readonly level: LogLevel;
  /** How a line of text says that a client has come or gone. */
  readonly words: ClientWords;
}

/** How long what waits may take to be written when the log ends, in ms: somebody who reads has read it by then. */
const END_WITHIN_MS = 1_000;

/** Where lines go, and whether they begin with the time. */
interface Destination {
  readonly output: Output;
  readonly isStamped: boolean;
}

export class Log {
  readonly #settings: LogSettings;
  readonly #destinations: Readonly<Record<Line['to'], Destination>>;

  constructor(settings: LogSettings, streams: LogStreams, environment: NodeJS.ProcessEnv = {}) {
    this.#settings = settings;
    const open = (stream: Writable): Destination => {
      const fd = fdOf(stream);
      const target = fd === undefined ? streamTarget(stream) : openTarget(fd);
      const isStamped = settings.format === 'text' && wantsTimestamps(fd, environment);
      return { output: new Output(target, this.#sayLost), isStamped };
    };
    const stdout = open(streams.stdout);
    // What the article's server prints begins with no time.
    const isArticle = settings.words === 'article';
    this.#destinations = { stdout: isArticle ? { ...stdout, isStamped: false } : stdout, stderr: open(streams.stderr) };
  }

  /** Prints an event of the server. */
  event(event: ServerEvent): void {
    const { format, level, words } = this.#settings;
    // A program chooses for itself: at `info` it gets all there is.
    const least = format === 'json' && level === 'info' ? 'debug' : level;
    if (!isShown(levelOf(event), least)) return;
    this.#print(format === 'json' ? jsonLine(event) : textLine(event, words), event.time);
  }

  /** Prints what the command has to say once clients can connect: `lines` for people, `record` for programs. */
  listening(lines: readonly string[], record: ListeningEvent): void {
    this.#say(lines, record, undefined);
  }

  /** The same as the server leaves. */
  leaving(line: string, record: LeavingEvent): void {
    this.#say([line], record, record.time);
  }

  /** Says that something is wrong with what the command does beside the server. */
  problem(text: string, record: CommandFailedEvent): void {
    if (!isShown('warn', this.#settings.level)) return;
    this.#print(this.#settings.format === 'json' ? jsonLine(record) : { to: 'stderr', text }, record.time);
  }

  /** Has all that is written to the standard streams of this process go the same way: what services print, for instance. */
  standIn(of: object): void {
    for (const name of ['stdout', 'stderr'] as const) {
      const stream = Object.assign(this.#destinations[name].output.asStream(), { fd: name === 'stdout' ? 1 : 2 });
      Object.defineProperty(of, name, { value: stream, configurable: true, enumerable: true });
    }
  }

  /** Resolves when everything is printed, or nobody has taken it for a while. */
  async end(): Promise<void> {
    const { stdout, stderr } = this.#destinations;
    await Promise.all([stdout.output.end(END_WITHIN_MS), stderr.output.end(END_WITHIN_MS)]);
  }

  #say(lines: readonly string[], record: ListeningEvent | LeavingEvent, time: number | undefined): void {
    if (!isShown('info', this.#settings.level)) return;
    if (this.#settings.format === 'json') this.#print(jsonLine(record), undefined);
    else for (const text of lines) this.#print({ to: 'stdout', text }, time);
  }

  readonly #sayLost = (count: number): string => {
    const time = Date.now();
    return this.#settings.format === 'json' ? jsonLine({ type: 'events-lost', time, count }).text : linesLost(count);
  };

  #print(line: Line | undefined, time: number | undefined): void {
    if (line === undefined) return;
    const { isStamped, output } = this.#destinations[line.to];
    output.write(isStamped && time !== undefined ? withTimestamp(line.text, time) : line.text);
  }
}

function fdOf(stream: Writable): number | undefined {
  return 'fd' in stream && typeof stream.fd === 'number' ? stream.fd : undefined;
}
