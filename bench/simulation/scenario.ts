/** Runs one scenario: a server, its clients, some seconds of played time. */
import { Client, type Note, type Server } from './client.ts';
import { Cpus, Task } from './cpus.ts';
import { Heddle } from './heddle.ts';
import { type Group, lights, type Mix, neighbours } from './mixes.ts';
import { type Random, seededRandom } from '../../src/load/random.ts';
import { Queue } from './queue.ts';
import { ERLANG, GO, RunQueue } from './run-queue.ts';
import { Timeline } from './timeline.ts';
import { Waits } from './waits.ts';

export const WAYS = ['heddle', 'before', 'go', 'erlang'] as const;
/** Heddle's policy, the one before it had a waiting room, and those of Go and of Erlang. */
export type Way = (typeof WAYS)[number];

export interface Scenario {
  readonly way: Way;
  readonly cpus: number;
  readonly mix: Mix;
  readonly lights: number;
  readonly neighbours: number;
  /** Light clients talk as fast as they can; else they pause. */
  readonly isFast?: boolean;
  /** What the load generator costs on the same machine, in ms of CPU a message; left out: it is elsewhere. */
  readonly loadMs?: number;
  /** How long it is watched after the neighbours have come, in ms. */
  readonly ms: number;
  readonly seed: number;
}

export interface Outcome {
  /** Of light clients, in ms: in the first 2 s with their neighbours, and after that. */
  readonly worstFirst: number;
  readonly worst: number;
  readonly p99: number;
  readonly lightsPerSecond: number;
  /** How many messages the neighbour with the fewest and the one with the most had, without those that come and go. */
  readonly turns: readonly [number, number];
  readonly neighboursPerSecond: number;
  /** How many CPUs were used. */
  readonly cpusUsed: number;
}

/** When neighbours come, in ms: the others have been accepted. */
const START_MS = 1500;
/** How long after that the clients and the server are taken to have found each other. */
const FIRST_MS = 2000;
const SECOND_MS = 1000;
/** The load generator runs at nice -20. */
const LOAD_NICE = -20;

/** As `threads` has it by default. */
export function defaultThreads(cpus: number): { min: number; max: number } {
  return { min: cpus, max: Math.min(4 * cpus + 4, 500) };
}

export function run(scenario: Scenario): Outcome {
  const timeline = new Timeline();
  const { now } = performance;
  try {
    return new Run(timeline, scenario).outcome();
  } finally {
    performance.now = now;
  }
}

class Run {
  readonly #timeline: Timeline;
  readonly #scenario: Scenario;
  readonly #cpus: Cpus;
  readonly #random: Random;
  readonly #server: Server;
  readonly #first: Waits;
  readonly #later: Waits;
  readonly #heavy: Waits;
  readonly #clients: Client[] = [];
  #addresses = 0;

  constructor(timeline: Timeline, scenario: Scenario) {
    this.#timeline = timeline;
    this.#scenario = scenario;
    this.#random = seededRandom(scenario.seed);
    this.#cpus = new Cpus(timeline, scenario.cpus);
    const end = START_MS + scenario.ms;
    const middle = Math.min(START_MS + FIRST_MS, START_MS + scenario.ms / 2);
    this.#first = new Waits({ from: START_MS, to: middle });
    this.#later = new Waits({ from: middle, to: end });
    this.#heavy = new Waits({ from: middle, to: end });
    this.#server = this.#makeServer();
  }

  outcome(): Outcome {
    const { isFast = false, lights: count, mix, ms, neighbours: others } = this.#scenario;
    const timeline = this.#timeline;
    this.#admit(lights(count, isFast, this.#random), true);
    timeline.runUntil(START_MS);
    for (const group of neighbours(mix, others, this.#random)) this.#admit(group, false);
    timeline.runUntil(this.#later.window.from);
    const { busyMs } = this.#cpus;
    timeline.runUntil(START_MS + ms);
    const cpusUsed = (this.#cpus.busyMs - busyMs) / (timeline.now - this.#later.window.from);
    for (const client of this.#clients) if (client.sentAt >= 0) this.#note(client, client.sentAt, timeline.now);
    const heavies = this.#clients.filter(({ behaviour: { asks, kind } }) => kind === 'heavy' && asks === Infinity);
    const turns = heavies.map((client) => client.turns);
    return {
      worstFirst: this.#first.worst,
      worst: this.#later.worst,
      p99: this.#later.p99,
      lightsPerSecond: this.#later.perSecond,
      turns: [Math.min(...turns), Math.max(...turns)],
      neighboursPerSecond: this.#heavy.perSecond,
      cpusUsed,
    };
  }

  #makeServer(): Server {
    const { cpus, lights: count, neighbours: others, ms, way } = this.#scenario;
    const timeline = this.#timeline;
    if (way === 'go' || way === 'erlang') {
      performance.now = () => timeline.now;
      return new RunQueue(timeline, this.#cpus, { ...(way === 'go' ? GO : ERLANG), cpus }, this.#random);
    }
    let clock = (): number => timeline.now;
    performance.now = () => clock();
    const clients = count + others * (2 + Math.ceil(ms / SECOND_MS));
    const settings = { cpus, clients, threads: defaultThreads(cpus), hasRoom: way === 'heddle' };
    const heddle = new Heddle(timeline, this.#cpus, settings);
    clock = () => heddle.kernel.now();
    return heddle;
  }

  /** Has the clients of `group` come; their first messages come at once, or in the time of one pause. */
  #admit(group: Group, isSpread: boolean): void {
    const { behaviour, count, isOneAddress, isRecurring } = group;
    const note: Note = (client, since, until) => this.#note(client, since, until);
    const server = this.#server;
    for (let index = 0; index < count; index++) {
      if (index === 0 || !isOneAddress) this.#addresses++;
      const client = new Client(this.#timeline, this.#loaded(server), behaviour, addressOf(this.#addresses), note);
      this.#clients.push(client);
      server.connect(client);
      this.#timeline.after(isSpread ? behaviour.pause() * this.#random() : 0, client.send);
    }
    if (isRecurring) this.#timeline.after(SECOND_MS, () => this.#admit(group, isSpread));
  }

  /** The server as it is reached through the load generator, if that is on the same machine. */
  #loaded(server: Server): Server {
    const { loadMs } = this.#scenario;
    if (loadMs === undefined) return server;
    this.#load ??= new Load(this.#cpus, loadMs, server);
    return this.#load;
  }

  #load: Load | undefined = undefined;

  #note({ behaviour: { kind } }: Client, since: number, until: number): void {
    if (kind === 'heavy') return this.#heavy.note(since, until);
    this.#first.note(since, until);
    this.#later.note(since, until);
  }
}

/** The load generator: a task that sends what clients say. */
class Load implements Server {
  readonly #task = new Task();
  readonly #cpus: Cpus;
  readonly #ms: number;
  readonly #server: Server;
  readonly #waiting = new Queue<Client>();

  constructor(cpus: Cpus, ms: number, server: Server) {
    this.#cpus = cpus;
    this.#ms = ms;
    this.#server = server;
    cpus.setNice(this.#task, LOAD_NICE);
  }

  connect(client: Client): void {
    this.#server.connect(client);
  }

  arrived(client: Client): void {
    this.#waiting.add(client);
    if (this.#waiting.size === 1) this.#sendNext();
  }

  #sendNext(): void {
    this.#cpus.run(this.#task, this.#ms, () => {
      const client = this.#waiting.take() as Client;
      this.#server.arrived(client);
      if (this.#waiting.size > 0) this.#sendNext();
    });
  }
}

/** IPv4 addresses, as they are written in 16 bytes. */
function addressOf(index: number): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes.set([0xff, 0xff, 10, (index >> 16) & 255, (index >> 8) & 255, index & 255], 10);
  return bytes;
}
