/** Runs one thread's part of the load: connects its clients, lets them talk for the planned time, and waits for the last replies. */

import { readFileSync } from 'node:fs';
import { createFraming } from '../framing/framing.ts';
import { Arrivals, Pace } from './arrivals.ts';
import { LoadClient } from './client.ts';
import { GroupFigures, type LoadRecord } from './figures/figures.ts';
import { Histogram } from './figures/histogram.ts';
import { Ledger, MeasuredTime } from './figures/ledger.ts';
import { IdleConnection } from './idle-connection.ts';
import type { ReplyCheck } from './messages/expected.ts';
import { Messages } from './messages/messages.ts';
import { Openings } from './openings.ts';
import { Pauses } from './pauses.ts';
import type { GroupPlan, LoadPlan } from './plan.ts';
import { type Random, seededRandom } from './random.ts';
import { ReplyTrace } from './reply-trace.ts';
import { cpuTimeMs } from './server-process.ts';
import type { Ticker, Wires } from './wires/wires.ts';

/** How often timeouts are looked at, and connections are made anew that were lost. */
const CHECK_INTERVAL_MS = 100;
/** Parts of a rate that changes, each with figures of its own. */
const RAMP_STEPS = 10;

/** What a generator and the thread that started it tell each other; in memory that they share, since a generator does not wait for messages. */
export interface Control {
  /** All connections are there. */
  ready(): void;
  /** Whether all generators are ready. */
  readonly hasBegun: boolean;
  /** Whether the run must end now. */
  readonly mustEnd: boolean;
}

interface Group {
  readonly plan: GroupPlan;
  readonly clients: readonly LoadClient[];
  readonly figures: GroupFigures;
  readonly pauses: Pauses<LoadClient> | undefined;
  arrivals: Arrivals | undefined;
  churn: Arrivals | undefined;
}

/** A clock where the measured time began, and ended; `undefined`: it cannot be read. */
interface Span {
  readonly from: number | undefined;
  to: number | undefined;
}

/** What a generator needs of its thread. */
export interface GeneratorParts {
  readonly wires: Wires;
  readonly control: Control;
  /** Judges replies, if a module is expected. */
  readonly check: ReplyCheck | undefined;
  /** Called when the measured time begins, and when it is over. */
  readonly onEdge: () => void;
}

/** Why the run cannot begin. */
export class CannotConnect extends Error {}

export class Generator implements Ticker {
  readonly #plan: LoadPlan;
  readonly #parts: GeneratorParts;
  readonly #time = new MeasuredTime();
  readonly #late = new Histogram();
  readonly #groups: readonly Group[];
  readonly #idle: IdleConnection[];
  readonly #openings: Openings;
  readonly #trace: ReplyTrace | undefined;
  /** What depends on replies: the schedule, which does not, has random numbers of its own. */
  readonly #random: Random;
  #state: 'connecting' | 'ready' | 'running' | 'done' = 'connecting';
  #nextCheck = 0;
  #runDelay: Span | undefined;
  #serverCpu: Span | undefined;
  #endedAt = Infinity;

  readonly #onOpen = (problem?: string): void => this.#openings.onOpen(performance.now(), problem);

  constructor(plan: LoadPlan, parts: GeneratorParts) {
    const { wires } = parts;
    this.#plan = plan;
    this.#parts = parts;
    this.#random = seededRandom(~plan.seed);
    this.#trace = plan.trace === undefined ? undefined : new ReplyTrace(plan.trace, this.#time);
    let number = plan.firstClient;
    this.#groups = plan.groups.map((group, index) => {
      const made = this.#group(group, index, number);
      number += group.clients;
      return made;
    });
    this.#idle = Array.from({ length: plan.idle }, () => new IdleConnection(wires, this.#onOpen));
    const connects = this.#groups.flatMap(({ clients }) =>
      clients.map((client) => () => client.connect(performance.now())),
    );
    const openers = [...connects, ...this.#idle.map((idle) => () => idle.connect())];
    this.#openings = new Openings(openers, plan.connectRate);
  }

  /** Throws CannotConnect. */
  async run(): Promise<LoadRecord> {
    this.#openings.start(performance.now());
    await this.#parts.wires.run(this);
    this.#trace?.close();
    const { problem } = this.#openings;
    if (problem !== undefined) throw new CannotConnect(problem);
    return this.#toRecord();
  }

  next(): number {
    if (this.#state === 'done' || this.#openings.problem !== undefined) return NaN;
    if (this.#state !== 'running') return performance.now() + 5;
    let next = this.#nextCheck;
    for (const { arrivals, churn, pauses } of this.#groups)
      next = Math.min(next, arrivals?.due ?? next, churn?.due ?? next, pauses?.due ?? next);
    return Math.min(next, this.#edge());
  }

  /** The measured time begins or ends then. */
  #edge(): number {
    const { from, to } = this.#time;
    if (this.#runDelay === undefined) return from;
    return this.#runDelay.to === undefined ? to : Infinity;
  }

  tick(now: number): void {
    if (this.#state === 'running') return this.#step(now);
    if (this.#parts.control.mustEnd) this.#end(now);
    else if (this.#state === 'connecting') this.#connectMore(now);
    else if (this.#state === 'ready' && this.#parts.control.hasBegun) this.#begin(now);
  }

  #connectMore(now: number): void {
    this.#openings.more(now);
    this.#openings.check(now, this.#plan.timeoutMs);
    if (!this.#openings.isDone) return;
    this.#state = 'ready';
    this.#parts.control.ready();
  }

  #step(now: number): void {
    for (const group of this.#groups) this.#send(group, now);
    if (now >= this.#edge()) this.#onEdge();
    if (now >= this.#time.to) this.#endIfDone(now);
    if (now < this.#nextCheck) return;
    this.#nextCheck = now + CHECK_INTERVAL_MS;
    if (this.#parts.control.mustEnd) return this.#stop(now);
    for (const { clients } of this.#groups) for (const client of clients) client.check(now, this.#plan.timeoutMs);
  }

  #send({ arrivals, churn, clients, pauses }: Group, now: number): void {
    if (churn !== undefined) for (; churn.due <= now; churn.advance()) clients[churn.client]?.leave(now);
    if (arrivals !== undefined)
      for (; arrivals.due <= now; arrivals.advance()) clients[arrivals.client]?.offer(arrivals.due, performance.now());
    if (pauses === undefined) return;
    for (let { due } = pauses; due <= now; { due } = pauses) pauses.take().pauseEnded(due, performance.now());
  }

  #begin(now: number): void {
    const { ms, seed, warmMs } = this.#plan;
    const random = seededRandom(seed);
    this.#time.from = now + warmMs;
    this.#time.to = this.#time.from + ms;
    this.#nextCheck = now;
    this.#state = 'running';
    for (const group of this.#groups) {
      const { churn, clients, pattern, rampTo, rate } = group.plan;
      if (rate !== undefined && clients > 0) {
        const pace = new Pace(rate, rampTo === undefined ? undefined : { to: rampTo, afterMs: warmMs, ms });
        group.arrivals = new Arrivals(now, pace, clients, pattern, random);
      }
      if (churn > 0) group.churn = new Arrivals(now, new Pace(churn), clients, 'even', random);
      for (const client of group.clients) client.begin(now);
    }
  }

  #onEdge(): void {
    const { server } = this.#plan;
    const serverCpu = server === undefined ? undefined : cpuTimeMs(server);
    if (this.#runDelay === undefined) {
      this.#runDelay = { from: runDelayMs(), to: undefined };
      this.#serverCpu = { from: serverCpu, to: undefined };
    } else {
      this.#runDelay.to = runDelayMs();
      if (this.#serverCpu !== undefined) this.#serverCpu.to = serverCpu;
      for (const group of this.#groups) group.arrivals = group.churn = undefined;
    }
    this.#parts.onEdge();
  }

  /** The run was ended from outside: what was measured until now counts, and nothing is lost. */
  #stop(now: number): void {
    if (now < this.#time.to) this.#time.to = now;
    this.#end(now);
  }

  #endIfDone(now: number): void {
    const isDone = this.#groups.every(({ clients }) => clients.every((client) => client.isDone));
    if (!isDone && now < this.#time.to + this.#plan.timeoutMs) return;
    for (const { clients } of this.#groups) for (const client of clients) client.end(now);
    this.#end(now);
  }

  #end(now: number): void {
    this.#endedAt = now;
    this.#state = 'done';
  }

  #group(plan: GroupPlan, group: number, firstClient: number): Group {
    const { settings } = this.#plan;
    const framing = createFraming(settings.framing, settings.maxMessageLength);
    const figures = new GroupFigures(plan.name, plan.clients, plan.rampTo === undefined ? 0 : RAMP_STEPS);
    const pauses = plan.thinkMs > 0 ? new Pauses<LoadClient>(plan.thinkMs, this.#random) : undefined;
    const parts = {
      wires: this.#parts.wires,
      messages: new Messages(plan.texts, framing, plan.expected, this.#plan.seed, this.#parts.check),
      framing,
      ledger: new Ledger(figures, this.#time, this.#late),
      pipeline: plan.pipeline,
      isClosedLoop: plan.rate === undefined,
      pauses,
      resets: plan.resets,
      random: this.#random,
      countsFirstConnect: this.#plan.connectRate !== Infinity,
      group,
      trace: this.#trace,
      onOpen: this.#onOpen,
    };
    const clients = Array.from({ length: plan.clients }, (_, index) => new LoadClient(parts, firstClient + index));
    return { plan, clients, figures, pauses, arrivals: undefined, churn: undefined };
  }

  #toRecord(): LoadRecord {
    const { from, to } = this.#time;
    const open = this.#idle.filter(({ isOpen }) => isOpen).length;
    return {
      groups: this.#groups.map(({ figures }) => figures.toRecord()),
      late: this.#late.toRecord(),
      runDelayMs: lengthOf(this.#runDelay),
      serverCpuMs: lengthOf(this.#serverCpu),
      idle: open,
      idleLost: this.#idle.length - open,
      ms: this.#endedAt >= to ? this.#plan.ms : Math.max(0, this.#endedAt - from),
    };
  }
}

function lengthOf({ from, to }: Span = { from: undefined, to: undefined }): number | undefined {
  return from === undefined || to === undefined ? undefined : to - from;
}

/** How long this thread has waited for a CPU, in ms (proc_pid_schedstat(5)); `undefined`: the system does not say. */
function runDelayMs(): number | undefined {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return undefined;
  }
}
