/** Measures how busy threads are, by their CPU clocks. Costs the threads themselves nothing. */
import { performance } from 'node:perf_hooks'; // The global is an accessor, which costs at each client.
import type { ThreadRow } from '../sharing/thread-board.ts';
import type { Sys } from '../sys/sys.ts';

/** A sample is good for this long, in ms. */
const SAMPLE_INTERVAL_MS = 100;

interface Sample {
  tid: number;
  time: number;
  cpu: number;
  ratio: number;
}

export class BusyMeter {
  readonly #sys: Pick<Sys, 'threadCpuTime'>;
  readonly #samples = new Map<ThreadRow, Sample>();

  constructor(sys: Pick<Sys, 'threadCpuTime'>) {
    this.#sys = sys;
  }

  /** The share of the time since the last sample that thread `row` spent computing, 0 to 1. */
  readonly ratio = (row: ThreadRow): number => {
    const now = performance.now();
    const last = this.#samples.get(row);
    if (last !== undefined && last.tid === row.tid && now - last.time < SAMPLE_INTERVAL_MS) return last.ratio;
    const cpu = Math.max(0, this.#sys.threadCpuTime(row.tid));
    const known = last !== undefined && last.tid === row.tid;
    const ratio = known ? Math.min(1, Math.max(0, (cpu - last.cpu) / (now - last.time))) : 0;
    this.#samples.set(row, { tid: row.tid, time: now, cpu, ratio });
    return ratio;
  };
}
