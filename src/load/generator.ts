/** Runs one thread's part of the load: connects its clients, lets them talk for the planned time, and waits for the last replies. */

import { readFileSync } from 'node:fs';
import { createFraming } from '../framing/framing.ts';
import { Arrivals } from './arrivals.ts';
import { LoadClient } from './client.ts';
import { GroupFigures, type LoadRecord } from './figures/figures.ts';
import { Histogram } from './figures/histogram.ts';
import { Ledger, MeasuredTime } from './figures/ledger.ts';
import { Messages } from './messages.ts';
import type { GroupPlan, LoadPlan } from './plan.ts';
import { seededRandom } from './random.ts';
import type { Ticker, Wire, Wires } from './wires/wires.ts';

/** So many connections are begun at once: more could overflow the server's backlog. */
const MOST_OPENING = 64;
/** How often timeouts are looked at, and connections are made anew that were lost. */
const CHECK_INTERVAL_MS = 100;

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
  arrivals: Arrivals | undefined;
  churn: Arrivals | undefined;
}

/** Why the run cannot begin. */
export class CannotConnect extends Error {}

export class Generator implements Ticker {
  readonly #plan: LoadPlan;
  readonly #wires: Wires;
  readonly #control: Control;
  readonly #time = new MeasuredTime();
  readonly #late = new Histogram();
  readonly #groups: readonly Group[];
  readonly #idle: IdleConnection[];
  /** Connections to make before the run begins. */
  readonly #toOpen: (() => void)[];
  #opening = 0;
  #opened = 0;
  /** When the last connection was made. */
  #openedAt = performance.now();
  #problem: string | undefined;
  #state: 'connecting' | 'ready' | 'running' | 'done' = 'connecting';
  #nextCheck = 0;
  #runDelay: { readonly from: number | undefined; to: number | undefined } | undefined;
  #endedAt = Infinity;

  constructor(plan: LoadPlan, wires: Wires, control: Control) {
    this.#plan = plan;
    this.#wires = wires;
    this.#control = control;
    let number = plan.firstClient;
    this.#groups = plan.groups.map((group) => {
      const made = this.#group(group, number);
      number += group.clients;
      return made;
    });
    this.#idle = Array.from({ length: plan.idle }, () => new IdleConnection(wires, (problem) => this.#onOpen(problem)));
    const connects = this.#groups.flatMap(({ clients }) =>
      clients.map((client) => () => client.connect(performance.now())),
    );
    this.#toOpen = [...connects, ...this.#idle.map((idle) => () => idle.connect())].reverse();
  }

  /** Throws CannotConnect. */
  async run(): Promise<LoadRecord> {
    this.#openMore();
    await this.#wires.run(this);
    if (this.#problem !== undefined) throw new CannotConnect(this.#problem);
    return this.#toRecord();
  }

  next(): number {
    if (this.#state === 'done' || this.#problem !== undefined) return NaN;
    if (this.#state !== 'running') return performance.now() + 5;
    let next = this.#nextCheck;
    for (const { arrivals, churn } of this.#groups) next = Math.min(next, arrivals?.due ?? next, churn?.due ?? next);
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
    if (this.#control.mustEnd) this.#end(now);
    else if (this.#state === 'connecting' && now - this.#openedAt >= this.#plan.timeoutMs)
      this.#onOpen('no answer in time');
    else if (this.#state === 'ready' && this.#control.hasBegun) this.#begin(now);
  }

  #step(now: number): void {
    for (const group of this.#groups) this.#send(group, now);
    if (now >= this.#edge()) this.#onEdge();
    if (now >= this.#time.to) this.#endIfDone(now);
    if (now < this.#nextCheck) return;
    this.#nextCheck = now + CHECK_INTERVAL_MS;
    if (this.#control.mustEnd) return this.#stop(now);
    for (const { clients } of this.#groups) for (const client of clients) client.check(now, this.#plan.timeoutMs);
  }

  #send({ arrivals, churn, clients }: Group, now: number): void {
    if (churn !== undefined) for (; churn.due <= now; churn.advance()) clients[churn.client]?.leave(now);
    if (arrivals !== undefined)
      for (; arrivals.due <= now; arrivals.advance()) clients[arrivals.client]?.offer(arrivals.due, performance.now());
  }

  #begin(now: number): void {
    const { ms, seed, warmMs } = this.#plan;
    this.#time.from = now + warmMs;
    this.#time.to = this.#time.from + ms;
    this.#nextCheck = now;
    this.#state = 'running';
    const random = seededRandom(seed);
    for (const group of this.#groups) {
      const { churn, clients, pattern, rate } = group.plan;
      if (rate !== undefined && clients > 0) group.arrivals = new Arrivals(now, rate, clients, pattern, random);
      if (churn > 0) group.churn = new Arrivals(now, churn, clients, 'even', random);
      for (const client of group.clients) client.begin(now);
    }
  }

  #onEdge(): void {
    if (this.#runDelay === undefined) this.#runDelay = { from: runDelayMs(), to: undefined };
    else {
      this.#runDelay.to = runDelayMs();
      for (const group of this.#groups) group.arrivals = group.churn = undefined;
    }
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

  #group(plan: GroupPlan, firstClient: number): Group {
    const { settings } = this.#plan;
    const framing = createFraming(settings.framing, settings.maxMessageLength);
    const figures = new GroupFigures(plan.name, plan.clients);
    const parts = {
      wires: this.#wires,
      messages: new Messages(plan.texts, framing, plan.expected),
      framing,
      ledger: new Ledger(figures, this.#time, this.#late),
      pipeline: plan.pipeline,
      isClosedLoop: plan.rate === undefined,
      onOpen: (problem?: string) => this.#onOpen(problem),
    };
    const clients = Array.from({ length: plan.clients }, (_, index) => new LoadClient(parts, firstClient + index));
    return { plan, clients, figures, arrivals: undefined, churn: undefined };
  }

  #openMore(): void {
    for (; this.#opening < MOST_OPENING; this.#opening++) {
      const open = this.#toOpen.pop();
      if (open === undefined) break;
      open();
    }
    if (this.#opening > 0 || this.#state !== 'connecting') return;
    this.#state = 'ready';
    this.#control.ready();
  }

  #onOpen(problem: string | undefined): void {
    if (problem !== undefined) {
      this.#problem ??= `${problem} after ${this.#opened} connections`;
      return;
    }
    this.#opening--;
    this.#opened++;
    this.#openedAt = performance.now();
    this.#openMore();
  }

  #toRecord(): LoadRecord {
    const { from, to } = this.#time;
    const open = this.#idle.filter(({ isOpen }) => isOpen).length;
    const { from: before, to: after } = this.#runDelay ?? {};
    return {
      groups: this.#groups.map(({ figures }) => figures.toRecord()),
      late: this.#late.toRecord(),
      runDelayMs: before === undefined || after === undefined ? undefined : after - before,
      idle: open,
      idleLost: this.#idle.length - open,
      ms: this.#endedAt >= to ? this.#plan.ms : Math.max(0, this.#endedAt - from),
    };
  }
}

/** A connection that is open and sends nothing. */
class IdleConnection {
  isOpen = false;
  readonly #wires: Wires;
  readonly #onOpen: (problem?: string) => void;
  #wire: Wire | undefined;

  constructor(wires: Wires, onOpen: (problem?: string) => void) {
    this.#wires = wires;
    this.#onOpen = onOpen;
  }

  connect(): void {
    this.#wire = this.#wires.open({
      opened: () => {
        this.isOpen = true;
        this.#onOpen();
      },
      received: () => {},
      closed: (why) => {
        if (!this.isOpen) this.#onOpen(why);
        this.isOpen = false;
      },
    });
  }

  close(): void {
    this.#wire?.close();
  }
}

/** How long this thread has waited for a CPU, in ms (proc_pid_schedstat(5)); `undefined`: the system does not say. */
function runDelayMs(): number | undefined {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return undefined;
  }
}
