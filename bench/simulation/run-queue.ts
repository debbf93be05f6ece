/** Plays Go's and Erlang's way: a task for each client, all in one queue, each in its turn for a while. */
import type { Client, Server } from './client.ts';
import { type Cpus, Task } from './cpus.ts';
import { Queue } from './queue.ts';
import type { Random } from '../../src/load/random.ts';
import type { Timeline } from './timeline.ts';

export interface RunQueueSettings {
  readonly cpus: number;
  /** How long one may run before the next does, in ms. */
  readonly slice: (random: Random) => number;
  /** What an ordinary message costs, in ms. */
  readonly messageMs: number;
  /** While all CPUs are busy, sockets are looked at this often, in ms; 0: a thread of its own hears of them at once. */
  readonly pollMs: number;
}

/**
 * Go: sysmon looks every 10 ms whether one has run for 10 ms, and asks for sockets that were not asked for in 10 ms. Who is
 * ready goes to the end of the queue (src/runtime/proc.go, `retake` and `sysmon`).
 */
export const GO = { slice: (random: Random) => 10 + 10 * random(), messageMs: 0.012, pollMs: 10 };

/** Erlang: 4,000 reductions, about a millisecond by its own rule of thumb; sockets have a thread of their own. */
export const ERLANG = { slice: () => 1, messageMs: 0.03, pollMs: 0 };

interface Job {
  readonly client: Client;
  left: number;
  blockMs: number;
}

export class RunQueue implements Server {
  readonly #timeline: Timeline;
  readonly #cpus: Cpus;
  readonly #settings: RunQueueSettings;
  readonly #random: Random;
  readonly #idle: Task[];
  readonly #queue = new Queue<Job>();
  /** Sockets that nobody has looked at. */
  #unheard: Job[] = [];
  #pollAt = 0;

  constructor(timeline: Timeline, cpus: Cpus, settings: RunQueueSettings, random: Random) {
    this.#timeline = timeline;
    this.#cpus = cpus;
    this.#settings = settings;
    this.#random = random;
    this.#idle = Array.from({ length: settings.cpus }, () => new Task());
  }

  connect(_client: Client): void {}

  arrived(client: Client): void {
    const { cpuMs, blockMs } = client.message ?? { cpuMs: 0, blockMs: 0 };
    client.message = undefined;
    const job = { client, left: cpuMs + this.#settings.messageMs, blockMs };
    if (this.#settings.pollMs === 0 || this.#idle.length > 0) return this.#ready(job);
    this.#unheard.push(job);
    if (this.#unheard.length === 1) this.#pollLater();
  }

  #ready(job: Job): void {
    this.#queue.add(job);
    const task = this.#idle.pop();
    if (task !== undefined) this.#next(task);
  }

  #pollLater(): void {
    const { pollMs } = this.#settings;
    this.#pollAt = Math.max(this.#pollAt, (Math.floor(this.#timeline.now / pollMs) + 1) * pollMs);
    this.#timeline.after(this.#pollAt - this.#timeline.now, () => this.#poll());
  }

  #poll(): void {
    const heard = this.#unheard;
    this.#unheard = [];
    for (const job of heard) this.#ready(job);
  }

  /** Has `task` run who is next; if there is nobody, it looks at the sockets, then sleeps. */
  #next(task: Task): void {
    if (this.#queue.size === 0 && this.#unheard.length > 0) this.#poll();
    const job = this.#queue.take();
    if (job === undefined) return void this.#idle.push(task);
    const ms = Math.min(job.left, this.#settings.slice(this.#random));
    this.#cpus.run(task, ms, () => this.#ran(task, job, ms));
  }

  #ran(task: Task, job: Job, ms: number): void {
    job.left -= ms;
    if (job.left > 1e-9) this.#queue.add(job);
    else if (job.blockMs > 0) this.#block(job);
    else job.client.answered();
    this.#next(task);
  }

  /** A handler that only waits has no thread meanwhile. */
  #block(job: Job): void {
    this.#timeline.after(job.blockMs, () => {
      job.blockMs = 0;
      job.left = this.#settings.messageMs;
      this.#ready(job);
    });
  }
}
