/** Plays a service thread of Heddle: its turns, its messages, its sleep. */
import { sharedTime } from '../../src/sharing/clock.ts';
import { isExpensive, NEWCOMER } from '../../src/sharing/client-kind.ts';
import type { ConnectionTable, Generation } from '../../src/sharing/connection-table.ts';
import { SERVING_SLICE_NS } from '../../src/sharing/scheduling.ts';
import { ABSENT, PARKED, RUNNING, type ThreadRow } from '../../src/sharing/thread-board.ts';
import { storingBefore } from '../../src/sys/without-kernel.ts';
import { giveBack } from '../../src/thread/give-back.ts';
import type { Client } from './client.ts';
import { type Cpus, Task } from './cpus.ts';
import type { EpollSet, SimKernel } from './kernel.ts';
import type { Timeline } from './timeline.ts';

/** One look at the sockets, and Node's loop, in ms. */
const LOOK_MS = 0.003;
/** An ordinary message: it is read, handled and answered, in ms. */
export const MESSAGE_MS = 0.007;
/** From the wake-up to the first turn, in ms of CPU. */
const WAKE_MS = 0.03;
/** As in `reactor.ts`: how long it waits for sockets, and how many empty turns it takes until it parks. */
const WAIT_MS = 1;
const EMPTY_TURNS = 8;
/** As in `run.ts`: how many events a look takes. */
const EVENTS = 64;

export interface SimThreadParts {
  readonly timeline: Timeline;
  readonly cpus: Cpus;
  readonly kernel: SimKernel;
  readonly table: ConnectionTable;
  readonly row: ThreadRow;
  readonly room: ThreadRow;
  readonly moveAfter: number;
  /** The set of a parked thread has something. */
  readonly hasWork: (thread: SimThread) => void;
  /** The thread's timer has run out. */
  readonly isLate: (thread: SimThread) => void;
}

interface Ready {
  readonly fd: number;
  readonly generation: Generation;
}

export class SimThread {
  readonly task = new Task();
  readonly row: ThreadRow;
  readonly #parts: SimThreadParts;
  readonly #set: EpollSet;
  #batch: Ready[] = [];
  #next = 0;
  #empty = 0;
  /** It waits for sockets. */
  #isWaiting = false;
  #waits = 0;
  #isArmed = false;
  #isEnded = false;
  /** When its timer runs out unless it is put off. */
  #lateAt = 0;
  #hasTimer = false;

  constructor(parts: SimThreadParts) {
    this.#parts = parts;
    const { kernel, row } = parts;
    this.row = row;
    row.epollFd = kernel.epollCreate();
    this.#set = kernel.set(row.epollFd);
    this.#set.heard = () => this.#heard();
    row.tid = kernel.addTask(this.task);
    row.timerFd = 1;
    row.beat(-1);
    row.state = RUNNING;
    this.task.sliceMs = SERVING_SLICE_NS / 1e6;
    this.#goOn(WAKE_MS, this.#look);
  }

  /** It was woken. */
  wake(): void {
    if (this.row.state !== PARKED || this.#isEnded) return;
    this.row.state = RUNNING;
    this.#empty = 0;
    this.#goOn(WAKE_MS, this.#look);
  }

  /** Ends it: it has no client any more. */
  end(): void {
    this.#isEnded = true;
    this.row.state = ABSENT;
  }

  #goOn(ms: number, then: () => void): void {
    this.#parts.cpus.run(this.task, ms, then);
  }

  #heard(): void {
    if (this.#isWaiting) {
      this.#isWaiting = false;
      this.#goOn(LOOK_MS, this.#look);
    } else if (this.#isArmed) {
      this.#isArmed = false;
      this.#parts.hasWork(this);
    }
  }

  readonly #look = (): void => {
    if (this.#isEnded) return;
    this.#putOff();
    this.row.beat(-1);
    this.#batch = [];
    this.#next = 0;
    const count = this.#set.take(EVENTS, (fd, generation) => this.#batch.push({ fd, generation }));
    this.#empty = count === 0 ? this.#empty + 1 : 0;
    if (count > 0) this.#serveNext();
    else if (this.#empty < EMPTY_TURNS) this.#wait();
    else this.#park();
  };

  #wait(): void {
    this.#isWaiting = true;
    const wait = ++this.#waits;
    this.#parts.timeline.after(WAIT_MS, () => {
      if (!this.#isWaiting || wait !== this.#waits) return;
      this.#isWaiting = false;
      this.#goOn(LOOK_MS, this.#look);
    });
  }

  #park(): void {
    this.row.state = PARKED;
    this.#isArmed = true;
    if (this.#set.isReady) this.#heard();
  }

  #serveNext(): void {
    const { kernel, table } = this.#parts;
    const event = this.#batch[this.#next++];
    if (event === undefined) return this.#goOn(LOOK_MS, this.#look);
    const { fd, generation } = event;
    if (!table.takeReady(fd, generation)) return this.#serveNext();
    this.row.beat(fd);
    const client = kernel.client(fd);
    const { message } = client;
    client.message = undefined;
    if (message === undefined) return this.#finish(client, generation, false);
    this.#goOn(MESSAGE_MS + message.cpuMs, () => {
      if (message.blockMs === 0) return this.#finish(client, generation, true);
      // The thread sleeps; when it wakes, it wants a CPU again.
      this.#parts.timeline.after(message.blockMs, () =>
        this.#goOn(MESSAGE_MS, () => this.#finish(client, generation, true)),
      );
    });
  }

  /** Has the client be idle, here or in the waiting room, or leave. */
  #finish(client: Client, generation: Generation, isAnswer: boolean): void {
    const { kernel, room, row, table, timeline } = this.#parts;
    const { fd } = client;
    const leaves = isAnswer && client.isLeaving;
    const kind = table.kind(fd);
    table.setLastActivity(fd, sharedTime(timeline.now));
    kernel.pay();
    if (leaves) this.#close(fd, generation);
    else if (isExpensive(kind) && room.epollFd > 0) giveBack({ sys: kernel.calls, table, row, room }, fd, generation);
    else {
      if (kind === NEWCOMER) table.provedLight(fd);
      table.idle(fd, generation);
    }
    if (isAnswer) client.answered();
    const cost = kernel.pay();
    if (cost === 0) this.#serveNext();
    else this.#goOn(cost, () => this.#serveNext());
  }

  #close(fd: number, generation: Generation): void {
    const { kernel, row, table } = this.#parts;
    table.closing(fd, generation);
    row.addClients(-1);
    table.free(fd, generation, { storeAndClose: storingBefore((closed) => (kernel.close(closed), 0)) });
  }

  /** Puts its timer off, as `watchdog.ts` does. */
  #putOff(): void {
    const { moveAfter, timeline } = this.#parts;
    this.#lateAt = timeline.now + moveAfter;
    this.row.isGuarded = true;
    if (!this.#hasTimer) this.#startTimer();
  }

  #startTimer(): void {
    const { isLate, timeline } = this.#parts;
    this.#hasTimer = true;
    timeline.after(this.#lateAt - timeline.now, () => {
      this.#hasTimer = false;
      if (timeline.now < this.#lateAt) return this.#startTimer();
      if (!this.#isEnded) isLate(this);
    });
  }
}
