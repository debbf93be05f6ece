/** Shares simulated CPUs among tasks as Linux does: by weight, in slices, and who wakes for little goes first. */
import type { Due, Timeline } from './timeline.ts';

/*
 * This is EEVDF (Stoica and Abdel-Wahab, 1995), which Linux uses from 6.6 on, with one queue for all CPUs. Each task has
 * a virtual time, which runs slower the more weight the task has. A task whose virtual time is not above the average may
 * run. Of those the one with the earliest deadline runs: its virtual time and a slice. A task that wakes gets the average.
 *
 * Linux has a queue for each CPU and moves tasks between them, so real waits are longer by some imbalance.
 */

/** The weight of nice 0. */
const FULL_WEIGHT = 1024;
/** What a nice value does to the weight: each step is a factor. */
const NICE_STEP = 1.25;
/** The slice of a task that has asked for none, in ms. */
const USUAL_SLICE_MS = 2.8;
/** The kernel's tick (CONFIG_HZ=250), in ms: a slice that is over ends with it. A task that wakes does not wait for it. */
const TICK_MS = 4;
/** Any work takes some time, in ms. */
const LEAST_MS = 0.00001;
/** Sums of small numbers are off by less than this. */
const ROUNDING = 1e-9;
/** What it costs to change tasks, caches included, in ms. */
const SWITCH_MS = 0.003;

export class Task {
  weight = FULL_WEIGHT;
  nice = 0;
  sliceMs = USUAL_SLICE_MS;
  /** CPU time that it has had, in ms; `Cpus.used` also counts what it has had since it was last looked at. */
  cpuMs = 0;
  virtual = 0;
  deadline = 0;
  /** CPU time until `done`, in ms. */
  left = 0;
  done: () => void = () => {};
  cpu: Cpu | undefined = undefined;
  isQueued = false;

  /** Whether it has, or wants, a CPU. */
  get isRunnable(): boolean {
    return this.isQueued || this.cpu !== undefined;
  }
}

interface Cpu {
  task: Task | undefined;
  since: number;
  due: Due | undefined;
  readonly ended: () => void;
  /** Its task ends its slice, even if it has more to do. */
  isSliced: boolean;
}

export class Cpus {
  readonly #timeline: Timeline;
  readonly #cpus: readonly Cpu[];
  readonly #queue: Task[] = [];
  /** The average virtual time when there was last something to run. */
  #average = 0;
  #busyMs = 0;
  /** The task whose `done` runs. */
  #ending: Task | undefined = undefined;

  constructor(timeline: Timeline, count: number) {
    this.#timeline = timeline;
    this.#cpus = Array.from({ length: count }, () => {
      const ended = (): void => this.#ended(cpu);
      const cpu: Cpu = { task: undefined, since: 0, due: undefined, ended, isSliced: false };
      return cpu;
    });
  }

  /** CPU time that all tasks have had, in ms. */
  get busyMs(): number {
    for (const cpu of this.#cpus) this.#charge(cpu);
    return this.#busyMs;
  }

  /** Has `task`, which sleeps or has just ended its work, compute for `ms`, then calls `done`. */
  run(task: Task, ms: number, done: () => void): void {
    task.left = Math.max(ms, LEAST_MS);
    task.done = done;
    if (task !== this.#ending) this.#wake(task);
  }

  setNice(task: Task, nice: number): void {
    if (task.cpu !== undefined) this.#charge(task.cpu);
    task.nice = nice;
    task.weight = FULL_WEIGHT / NICE_STEP ** nice;
    task.deadline = task.virtual + inVirtual(task, task.sliceMs);
    if (task.cpu !== undefined) this.#plan(task.cpu);
  }

  setSlice(task: Task, ms: number): void {
    task.sliceMs = ms;
  }

  /** CPU time that `task` has had, in ms. */
  used(task: Task): number {
    const { cpu } = task;
    return cpu === undefined ? task.cpuMs : task.cpuMs + this.#timeline.now - cpu.since;
  }

  #wake(task: Task): void {
    const free = this.#cpus.find((cpu) => cpu.task === undefined);
    task.virtual = this.#mean();
    task.deadline = task.virtual + inVirtual(task, task.sliceMs);
    if (free !== undefined) return this.#put(free, task);
    this.#enqueue(task);
    const latest = this.#latest();
    if (latest !== undefined && (latest.task as Task).deadline > task.deadline) this.#next(latest);
  }

  /** The CPU whose task can best wait; not the one where a task is just ending its work, which looks by itself. */
  #latest(): Cpu | undefined {
    let latest: Cpu | undefined;
    for (const cpu of this.#cpus) {
      if (cpu.task === this.#ending) continue;
      if (latest === undefined || (cpu.task as Task).deadline > (latest.task as Task).deadline) latest = cpu;
    }
    return latest;
  }

  #enqueue(task: Task): void {
    task.isQueued = true;
    if (this.#queue.push(task) > 1) return;
    for (const cpu of this.#cpus) if (!cpu.isSliced && cpu.task !== undefined) this.#plan(cpu);
  }

  /** The average virtual time of all that have or want a CPU. */
  #mean(): number {
    let weights = 0;
    let sum = 0;
    for (const cpu of this.#cpus) {
      this.#charge(cpu);
      const { task } = cpu;
      if (task === undefined) continue;
      weights += task.weight;
      sum += (task.virtual - this.#average) * task.weight;
    }
    for (const { virtual, weight } of this.#queue) {
      weights += weight;
      sum += (virtual - this.#average) * weight;
    }
    if (weights > 0) this.#average += sum / weights;
    return this.#average;
  }

  #charge(cpu: Cpu): void {
    const { now } = this.#timeline;
    const { task } = cpu;
    const ran = now - cpu.since;
    cpu.since = now;
    if (task === undefined || ran <= 0) return;
    task.cpuMs += ran;
    task.left -= ran;
    task.virtual += inVirtual(task, ran);
    this.#busyMs += ran;
    if (task.virtual >= task.deadline) task.deadline = task.virtual + inVirtual(task, task.sliceMs);
  }

  #put(cpu: Cpu, task: Task): void {
    cpu.task = task;
    cpu.since = this.#timeline.now;
    task.cpu = cpu;
    task.left += SWITCH_MS;
    this.#plan(cpu);
  }

  /** Has something happen when the task of `cpu` has ended its work or its slice. */
  #plan(cpu: Cpu): void {
    this.#charge(cpu);
    const task = cpu.task as Task;
    if (cpu.due !== undefined) cpu.due.isOff = true;
    cpu.isSliced = this.#queue.length > 0;
    const ms = cpu.isSliced ? Math.min(task.left, this.#untilSliceEnds(task)) : task.left;
    cpu.due = this.#timeline.after(Math.max(0, ms), cpu.ended);
  }

  #untilSliceEnds({ deadline, virtual, weight }: Task): number {
    const { now } = this.#timeline;
    const end = now + ((deadline - virtual) * weight) / FULL_WEIGHT;
    return Math.ceil(end / TICK_MS + ROUNDING) * TICK_MS - now;
  }

  #ended(cpu: Cpu): void {
    this.#charge(cpu);
    cpu.due = undefined;
    const task = cpu.task as Task;
    if (task.left > ROUNDING) return this.#next(cpu);
    task.left = 0;
    const waiting = this.#queue.length;
    this.#ending = task;
    task.done();
    this.#ending = undefined;
    if (task.left > 0 && this.#queue.length <= waiting) return this.#plan(cpu);
    if (task.left === 0) {
      task.cpu = undefined;
      cpu.task = undefined;
    }
    this.#next(cpu);
  }

  /** Gives `cpu` to who is next; its task, if it has one, waits with the others. */
  #next(cpu: Cpu): void {
    const { task } = cpu;
    if (cpu.due !== undefined) cpu.due.isOff = true;
    cpu.due = undefined;
    const next = this.#queue.length === 0 ? undefined : this.#pick(this.#mean(), task);
    if (next === undefined || next === task) {
      if (task !== undefined) this.#plan(cpu);
      return;
    }
    this.#queue.splice(this.#queue.indexOf(next), 1);
    next.isQueued = false;
    if (task !== undefined) {
      task.cpu = undefined;
      cpu.task = undefined;
      this.#enqueue(task);
    }
    this.#put(cpu, next);
  }

  #pick(average: number, running: Task | undefined): Task | undefined {
    let best = running;
    for (const task of this.#queue) if (best === undefined || isBefore(task, best, average)) best = task;
    return best;
  }
}

/** Who has had no more than his share comes before who has; then the earlier deadline. */
function isBefore(one: Task, other: Task, average: number): boolean {
  const may = one.virtual <= average + ROUNDING;
  return may === other.virtual <= average + ROUNDING ? one.deadline < other.deadline : may;
}

function inVirtual(task: Task, ms: number): number {
  return (ms * FULL_WEIGHT) / task.weight;
}
