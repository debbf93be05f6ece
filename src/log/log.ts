/** Used to print what happens: each event as a line of text or of JSON. */

import type { Writable } from 'node:stream';
import type { ServerEvent } from './event.ts';
import { jsonLine, type LeavingEvent, type ListeningEvent } from './json-line.ts';
import type { Line } from './line.ts';
import { LineWriter } from './line-writer.ts';
import { textLine } from './text-line.ts';

export const LOG_FORMATS = ['text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export interface LogStreams {
  readonly stdout: Writable;
  readonly stderr: Writable;
}

export class Log {
  readonly format: LogFormat;
  readonly #stdout: LineWriter;
  readonly #stderr: LineWriter;

  constructor(format: LogFormat, streams: LogStreams) {
    this.format = format;
    const sayLost = (count: number) => this.#eventLine({ type: 'events-lost', time: Date.now(), count })?.text ?? '';
    this.#stdout = new LineWriter(streams.stdout, sayLost);
    this.#stderr = new LineWriter(streams.stderr, sayLost);
  }

  /** Prints an event of the server. */
  event(event: ServerEvent): void {
    this.#print(this.#eventLine(event));
  }

  /** Prints what the command has to say: `lines` for people, `record` for programs. */
  say(lines: readonly string[], record: ListeningEvent | LeavingEvent): void {
    if (this.format === 'json') this.#print(jsonLine(record));
    else for (const text of lines) this.#print({ to: 'stdout', text });
  }

  /** Resolves when everything is printed. */
  async end(): Promise<void> {
    await Promise.all([this.#stdout.end(), this.#stderr.end()]);
  }

  #eventLine(event: ServerEvent): Line | undefined {
    return this.format === 'json' ? jsonLine(event) : textLine(event);
  }

  #print(line: Line | undefined): void {
    if (line !== undefined) (line.to === 'stdout' ? this.#stdout : this.#stderr).write(line.text);
  }
}
