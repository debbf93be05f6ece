/** Plays Heddle: its own policy, from `src/acceptor`, over simulated threads, CPUs and sockets. */
import { Migrator } from '../../src/supervisor/migrate.ts';
import { BusyMeter } from '../../src/supervisor/busy-meter.ts';
import type { FromAcceptor } from '../../src/acceptor/messages.ts';
import { placementFor } from '../../src/supervisor/placement.ts';
import { ThreadRegistry } from '../../src/supervisor/thread-registry.ts';
import { Supervisor } from '../../src/supervisor/supervisor.ts';
import { WaitingRoom } from '../../src/supervisor/waiting-room/waiting-room.ts';
import { Closer } from '../../src/connection/end/close.ts';
import { Poller } from '../../src/reactor/poller.ts';
import { AcceptorCounters } from '../../src/sharing/acceptor-counters.ts';
import { Arena } from '../../src/sharing/arena.ts';
import { sharedTime } from '../../src/sharing/clock.ts';
import { SERVING_SLICE_NS } from '../../src/sharing/scheduling.ts';
import { ThreadBoard } from '../../src/sharing/thread-board.ts';
import type { Client, Server } from './client.ts';
import { CostedTable } from './costed-table.ts';
import { type Cpus, Task } from './cpus.ts';
import { SimKernel } from './kernel.ts';
import { Queue } from './queue.ts';
import { SimThread } from './service-thread.ts';
import type { Timeline } from './timeline.ts';

/** A turn of the acceptor, beside its system calls, in ms: most of it is what it pushes out of the caches. */
const TURN_MS = 0.05;
/** Accepting a client, in ms. */
const ACCEPT_MS = 0.008;
/** How many clients are accepted in one turn. */
const ACCEPTS = 64;
/** The start of a thread, in ms of CPU. */
const START_MS = 45;
const EVENTS = 64;
const LONGEST_WAIT_MS = 1000;
const LOOK_FULL_MS = 50;

export interface HeddleSettings {
  readonly cpus: number;
  readonly threads: { readonly min: number; readonly max: number };
  /** How many clients there may be. */
  readonly clients: number;
  /** False: the policy without a waiting room, where all threads that are asked for start at once. */
  readonly hasRoom: boolean;
}

export class Heddle implements Server {
  readonly kernel: SimKernel;
  readonly registry: ThreadRegistry;
  readonly #settings: HeddleSettings;
  readonly #timeline: Timeline;
  readonly #cpus: Cpus;
  readonly #table: CostedTable;
  readonly #board: ThreadBoard;
  readonly #counters = new AcceptorCounters();
  readonly #migrator: Migrator;
  readonly #placement;
  readonly #room: WaitingRoom | undefined;
  readonly #supervisor: Supervisor;
  readonly #task = new Task();
  readonly #threads = new Map<number, SimThread>();
  readonly #rows: number[];
  readonly #backlog = new Queue<Client>();
  /** What the acceptor does in its next turn, before it looks. */
  #events: (() => void)[] = [];
  #isAwake = false;
  #turns = 0;
  #wanted: number;
  #starting = 0;

  constructor(timeline: Timeline, cpus: Cpus, settings: HeddleSettings) {
    const { clients, hasRoom, threads } = settings;
    this.#settings = settings;
    this.#timeline = timeline;
    this.#cpus = cpus;
    this.kernel = new SimKernel(timeline, cpus);
    const { calls } = this.kernel;
    this.#table = new CostedTable(clients, this.kernel);
    this.#board = ThreadBoard.create(threads.max);
    this.#rows = Array.from({ length: threads.max }, (_, row) => row);
    this.#wanted = threads.min;
    this.registry = new ThreadRegistry(calls, {
      ...threads,
      clientsPerThread: Infinity,
      moveAfter: 5,
      hasRoom,
      cpus: settings.cpus,
    });
    const closer = new Closer(calls, this.#table, Arena.create(1 << 16), undefined, this.#board.waitingRoom);
    this.#migrator = new Migrator(calls, this.#table, this.#counters, closer, this.#board);
    const busy = new BusyMeter(calls).ratio;
    this.#placement = placementFor('least-busy', busy);
    this.#room = hasRoom ? this.#makeRoom() : undefined;
    this.#supervisor = new Supervisor(
      {
        table: this.#table,
        board: this.#board,
        counters: this.#counters,
        registry: this.registry,
        placement: this.#placement,
        busy,
        balances: true,
        migrator: this.#migrator,
        room: this.#room,
        closer,
        handlerTimeout: Infinity,
        post: (message) => this.#told(message),
        report: undefined,
      },
      (row) => {
        row.epollFd = 0;
      },
    );
    this.#task.sliceMs = SERVING_SLICE_NS / 1e6;
    for (let count = 0; count < threads.min; count++) this.#started(this.#rows.shift() as number);
  }

  connect(client: Client): void {
    this.kernel.open(client);
    this.#backlog.add(client);
    this.#poke();
  }

  arrived({ fd }: Client): void {
    this.kernel.arrived(fd);
  }

  #makeRoom(): WaitingRoom {
    const { calls } = this.kernel;
    const room = new WaitingRoom({
      poller: Poller.create(calls, EVENTS),
      board: this.#board,
      table: this.#table,
      registry: this.registry,
      migrator: this.#migrator,
      placement: this.#placement,
    });
    this.kernel.set(room.row.epollFd).heard = () => this.#poke();
    return room;
  }

  /** Wakes the acceptor, if it sleeps, to do `event`. */
  #poke(event?: () => void): void {
    if (event !== undefined) this.#events.push(event);
    if (this.#isAwake) return;
    this.#isAwake = true;
    this.#cpus.run(this.#task, TURN_MS, this.#turn);
  }

  /** What the acceptor does in a turn happens at its beginning; then it pays for that. */
  readonly #turn = (): void => {
    const { kernel } = this;
    kernel.pay();
    const now = kernel.now();
    this.#turns++;
    const events = this.#events;
    this.#events = [];
    for (const event of events) event();
    this.#room?.takeEvents(now);
    this.#accept();
    this.#supervisor.look(now);
    this.#cpus.run(this.#task, Math.max(0.001, kernel.pay()), this.#sleep);
  };

  readonly #sleep = (): void => {
    const { kernel, registry } = this;
    const longest = this.#hasRoom ? LONGEST_WAIT_MS : LOOK_FULL_MS;
    const wait = Math.ceil(Math.max(0, Math.min(longest, this.#supervisor.timeout(kernel.now()))));
    const isBusy = this.#events.length > 0 || (this.#backlog.size > 0 && this.#hasRoom) || this.#hearsRoom;
    this.#isAwake = isBusy || wait === 0;
    if (this.#isAwake) return this.#cpus.run(this.#task, TURN_MS, this.#turn);
    const turn = this.#turns;
    this.#timeline.after(wait, () => {
      if (turn === this.#turns) this.#poke();
    });
    registry.changed();
  };

  get #hearsRoom(): boolean {
    return this.#room !== undefined && this.kernel.set(this.#room.row.epollFd).isReady;
  }

  get #hasRoom(): boolean {
    return this.registry.hasRoom || this.#supervisor.isCareful();
  }

  #accept(): void {
    for (let left = ACCEPTS; left > 0 && this.#backlog.size > 0 && this.#hasRoom; left--) {
      const client = this.#backlog.take() as Client;
      const { address, fd } = client;
      this.kernel.bill += ACCEPT_MS;
      const row = this.#supervisor.roomFor(address) ?? this.#placement(this.registry.any, address);
      const generation = this.#table.admit(fd, row.thread, this.#counters.countAccepted(), address, 1, 0);
      this.#table.setLastActivity(fd, sharedTime(this.kernel.now()));
      row.clientCame();
      this.#migrator.place(fd, generation, row);
    }
  }

  #told(message: FromAcceptor): void {
    if (message.type === 'want-threads') {
      this.#wanted = message.threads;
      this.#fill();
    } else if (message.type === 'thread-empty') {
      this.#wanted = Math.min(this.#wanted, this.#threads.size - 1);
      const thread = this.#threads.get(message.thread) as SimThread;
      thread.end();
      this.#timeline.after(1, () => this.#poke(() => this.#supervisor.threadGone(message.thread)));
    } else if (message.type === 'thread-cleared') {
      this.#threads.delete(message.thread);
      this.#rows.push(message.thread);
      this.#fill();
    }
  }

  /** Starts the threads that are missing, as many at once as may be. */
  #fill(): void {
    const atOnce = this.#settings.hasRoom ? this.#settings.cpus : Infinity;
    while (this.#threads.size + this.#starting < this.#wanted && this.#rows.length > 0 && this.#starting < atOnce) {
      const row = this.#rows.shift() as number;
      this.#starting++;
      this.#cpus.run(new Task(), START_MS, () => {
        this.#starting--;
        this.#started(row);
        this.#fill();
      });
    }
  }

  #started(thread: number): void {
    const { kernel } = this;
    const started = new SimThread({
      timeline: this.#timeline,
      cpus: this.#cpus,
      kernel,
      table: this.#table,
      row: this.#board.row(thread),
      room: this.#board.waitingRoom,
      moveAfter: this.registry.settings.moveAfter,
      hasWork: (parked) => this.#poke(() => this.#ring(parked)),
      isLate: (late) => this.#poke(() => (late.row.isGuarded = false)),
    });
    this.#threads.set(thread, started);
    this.#poke(() => this.registry.add(started.row));
  }

  #ring(parked: SimThread): void {
    this.#supervisor.wake(parked.row, this.kernel.now());
    parked.wake();
  }
}
