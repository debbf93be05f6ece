/** Counts what a group of clients was answered, and how long it waited. */

import { Histogram, type HistogramRecord } from './histogram.ts';

/** A reply that was wrong, as the report shows it. */
export interface WrongReply {
  readonly client: number;
  /** What was sent, without its frame. */
  readonly sent: string;
  /** What the reply should have been; `undefined`: that is no fixed text. */
  readonly expected: string | undefined;
  readonly got: string;
}

const COUNTS = ['asked', 'replies', 'wrong', 'lost', 'closed', 'connects'] as const;
type Counts = Record<(typeof COUNTS)[number], number>;

/** The figures of a group as plain data. */
export interface GroupRecord extends Readonly<Counts> {
  readonly name: string;
  readonly clients: number;
  readonly fromDue: HistogramRecord;
  readonly closedLoop: HistogramRecord;
  readonly warmUp: HistogramRecord;
  readonly connect: HistogramRecord;
  readonly steps: readonly HistogramRecord[];
  readonly wrongReply: WrongReply | undefined;
  readonly closedWhy: string | undefined;
}

export class GroupFigures {
  readonly name: string;
  clients: number;
  /** Messages that were due in the measured time. */
  asked = 0;
  /** Replies that came in the measured time. */
  replies = 0;
  /** In all of the run, also while it warms up: replies that were wrong, … */
  wrong = 0;
  /** … messages without a reply: it did not come in time, or the connection ended, … */
  lost = 0;
  /** … connections that the server ended, or refused, … */
  closed = 0;
  /** … and connections that were made after the run had begun. */
  connects = 0;
  /** What a client waits: from when a message was due until its reply was read. */
  readonly fromDue = new Histogram();
  /** The same as a closed loop would have seen it: of messages whose client was free when they were due, from when they were sent. */
  readonly closedLoop = new Histogram();
  /** From due, of the time before the measured one. */
  readonly warmUp = new Histogram();
  readonly connect = new Histogram();
  /** From due, of each part of the measured time; none if the rate stays. */
  readonly steps: Histogram[];
  wrongReply: WrongReply | undefined;
  closedWhy: string | undefined;

  constructor(name: string, clients: number, steps = 0) {
    this.name = name;
    this.clients = clients;
    this.steps = Array.from({ length: steps }, () => new Histogram());
  }

  toRecord(): GroupRecord {
    const { asked, clients, closed, closedWhy, connects, lost, name, replies, wrong, wrongReply } = this;
    return {
      name,
      clients,
      asked,
      replies,
      wrong,
      lost,
      closed,
      connects,
      wrongReply,
      closedWhy,
      fromDue: this.fromDue.toRecord(),
      closedLoop: this.closedLoop.toRecord(),
      warmUp: this.warmUp.toRecord(),
      connect: this.connect.toRecord(),
      steps: this.steps.map((step) => step.toRecord()),
    };
  }

  /** Adds the figures of other clients of the group. */
  add(record: GroupRecord): void {
    for (const name of COUNTS) this[name] += record[name];
    this.fromDue.add(record.fromDue);
    this.closedLoop.add(record.closedLoop);
    this.warmUp.add(record.warmUp);
    this.connect.add(record.connect);
    for (const [index, step] of record.steps.entries()) (this.steps[index] ??= new Histogram()).add(step);
    this.wrongReply ??= record.wrongReply;
    this.closedWhy ??= record.closedWhy;
  }
}

/** All figures of a run, or of one thread's part of it. */
export interface LoadRecord {
  readonly groups: readonly GroupRecord[];
  /** How late the generator was: for each message after it was due, and for each reply after it may have been there. */
  readonly late: HistogramRecord;
  /** How long the generator waited for a CPU while it was measured, in ms; `undefined`: the system does not say. */
  readonly runDelayMs: number | undefined;
  /** CPU time that the server used while it was measured, in ms; `undefined`: it is not known, or another thread has it. */
  readonly serverCpuMs: number | undefined;
  /** Idle connections at the end, and those that were lost. */
  readonly idle: number;
  readonly idleLost: number;
  /** How long it was measured, in ms; less than was asked for if the run was ended. */
  readonly ms: number;
}
