/** Writes a line for each message when it was answered or given up. Several threads append to one file, each whole lines. */

import { closeSync, openSync, writeSync } from 'node:fs';
import type { MeasuredTime } from './figures/ledger.ts';

/** Times are in ms; `due` counts from the beginning of the measured time, and is below 0 before it. */
export const TRACE_HEAD = 'due_ms,wait_ms,group,client,message,outcome\n';
/** So much text is written at once. */
const WRITE_LENGTH = 64 * 1024;

export type TraceOutcome = 'right' | 'wrong' | 'lost';

export class ReplyTrace {
  readonly #file: number;
  readonly #time: MeasuredTime;
  #lines = '';

  /** `path`: of a file that exists. */
  constructor(path: string, time: MeasuredTime) {
    this.#file = openSync(path, 'a');
    this.#time = time;
  }

  /** `group`: 0 for the clients that the run is about, then those beside them in their order. */
  add(group: number, client: number, message: number, due: number, until: number, outcome: TraceOutcome): void {
    const times = `${(due - this.#time.from).toFixed(3)},${(until - due).toFixed(3)}`;
    this.#lines += `${times},${group},${client},${message},${outcome}\n`;
    if (this.#lines.length >= WRITE_LENGTH) this.#write();
  }

  close(): void {
    this.#write();
    closeSync(this.#file);
  }

  /** A file that takes no more, such as of a full disk, ends the run: a trace with holes would mislead. */
  #write(): void {
    writeSync(this.#file, this.#lines);
    this.#lines = '';
  }
}
