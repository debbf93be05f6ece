/** Shows a server to those who watch it from outside, and does what its user has it do. */
import { readFileSync } from 'node:fs';
import type { ToAcceptor } from '../../acceptor/messages.ts';
import { ClientList, type Found } from '../../admin/control/client-list.ts';
import { ClosedClients } from '../../admin/control/closed-clients.ts';
import { RecentEvents } from '../../admin/control/recent-events.ts';
import type { About, Controlled, ProfileRequest, ThreadTimes } from '../../admin/control/controlled.ts';
import type { BlockedThread, CertificateExpiry, LastHourCounts, Observed } from '../../admin/observed.ts';
import type { ThreadProfile } from '../../admin/stacks/profiler.ts';
import { notReading } from '../../admin/not-reading.ts';
import { added, countedStats, type Totals } from '../../admin/totals.ts';
import { ALL_WELL, type Verdict, verdictOf } from '../../admin/verdict.ts';
import { crash } from '../../errors.ts';
import type { ServerEvent, ThreadBlockedEvent, ThreadOverdueEvent, TurnEvent } from '../../log/event.ts';
import type { LimitedSettings } from '../../options/thread-settings.ts';
import type { Credentials } from '../../options/tls/credentials.ts';
import { ageOf, sharedTime } from '../../sharing/clock.ts';
import { stateOf, threadOf, BUSY, PINNED } from '../../sharing/control-word.ts';
import type { ThreadRow } from '../../sharing/thread-board.ts';
import type { BlockNotice } from '../../supervisor/block-log.ts';
import { formatPeer } from '../../sys/structs/socket-address.ts';
import { BlockJournal } from './block-journal.ts';
import { HandlerHistory } from './handler-history.ts';
import type { Deploys } from '../deploys/deploys.ts';
import type { Engine } from '../engine.ts';
import { ownVersion } from '../own-package.ts';
import { certificateExpiries } from './certificates.ts';
import { LastHour } from './last-hour.ts';
import type { SharedMemory } from '../shared-memory.ts';
import { Stacks } from './stacks.ts';

const MINUTE_MS = 60_000;

interface Parts {
  readonly engine: Pick<Engine, 'name' | 'cpuTimeOf' | 'acceptQueues' | 'canStartThread'>;
  readonly settings: LimitedSettings;
  readonly memory: SharedMemory;
  readonly addresses: readonly string[];
  readonly state: () => Observed['state'];
  /** Whether somebody can ask: only then are clients that leave remembered, and is the code of blocks looked for. */
  readonly isAsked: () => boolean;
  /** The certificates that clients are shown; `undefined` without TLS. */
  readonly credentials: () => Credentials | undefined;
  readonly ping: () => Promise<void>;
  readonly post: (message: Extract<ToAcceptor, { type: 'kick' }>) => void;
  readonly threadIdOf: (thread: number) => number | undefined;
  readonly deploys: Pick<Deploys, 'counts' | 'inherited'>;
}

export class Watch implements Controlled {
  readonly clients: ClientList;
  readonly closed = new ClosedClients();
  readonly events = new RecentEvents();
  readonly #parts: Parts;
  readonly #startedAt = performance.now();
  readonly #stacks: Stacks;
  readonly #journal: BlockJournal;
  readonly #lastHour = {
    threadExits: new LastHour(),
    eventsLost: new LastHour(),
    starved: new LastHour(),
    demoted: new LastHour(),
  };
  readonly #handlers = new HandlerHistory();
  /** Looks once a minute how often threads have stood still, and how many handlers wait: no event tells. */
  readonly #minutes = setInterval(() => this.#noteMinute(), MINUTE_MS).unref();
  #starvedBefore = 0;
  #lastReloadFailed = false;
  /** When the certificates of `credentials` expire: they are read once. */
  #expiries: { readonly of: Credentials; readonly all: readonly CertificateExpiry[] } | undefined;
  #isClosed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { engine, memory, settings, threadIdOf } = parts;
    this.#stacks = new Stacks({
      canStartThread: () => engine.canStartThread(),
      threadIdOf: (thread) => threadIdOf(thread - 1),
      isAsked: () => this.#isAsked(),
    });
    this.#journal = new BlockJournal(async (thread) => this.#stacks.codeOf(thread));
    this.clients = new ClientList({
      table: memory.table,
      board: memory.board,
      speaksTls: settings.tls !== undefined && settings.tls.start !== 'later',
    });
  }

  get memory(): Controlled['memory'] {
    return this.#parts.memory;
  }

  get about(): About {
    const { addresses, engine, settings } = this.#parts;
    const { maxClients, service, threads } = settings;
    return {
      version: ownVersion(),
      pid: process.pid,
      node: process.versions.node,
      engine: engine.name,
      ...(service !== undefined && { service: service.toString() }),
      addresses,
      threads,
      maxClients,
    };
  }

  /** Takes note of an event of the server; returns it with what is known of the code that it is about. */
  note(event: ServerEvent): ServerEvent {
    this.#noteCount(event);
    const isOfBlock = event.type === 'turn' || event.type === 'thread-blocked' || event.type === 'thread-overdue';
    const noted = isOfBlock ? this.#withCode(event) : event;
    if (this.#isAsked()) this.events.add(noted);
    return noted;
  }

  #withCode(event: TurnEvent | ThreadBlockedEvent | ThreadOverdueEvent): ServerEvent {
    const ago = Date.now() - event.time + event.blockedMs; // How long the block had lasted at the time of the event.
    const code = this.#journal.codeOf(event.thread, sharedTime(performance.now() - ago));
    return code === undefined ? event : { ...event, code: code.code };
  }

  /** A thread is blocked for long, or is free again. */
  noteBlock(notice: BlockNotice): void {
    if (!this.#isAsked()) return;
    if (notice.type === 'block-long') this.#journal.begun(notice.thread, notice.since);
    else this.#journal.ended(notice).catch(crash);
  }

  /** A thread is replaced: its priority was lowered, and cannot be raised again. */
  noteDemoted(): void {
    this.#lastHour.demoted.add(1, performance.now());
  }

  /** Leaves the threads alone: the server ends. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#minutes);
    this.#stacks.close();
  }

  #isAsked(): boolean {
    return !this.#isClosed && this.#parts.isAsked();
  }

  #noteCount(event: ServerEvent): void {
    const now = performance.now();
    if (event.type === 'close') {
      if (this.#isAsked()) this.closed.add(event);
    } else if (event.type === 'reload' || event.type === 'reload-failed') {
      this.#lastReloadFailed = event.type === 'reload-failed';
    } else if (event.type === 'thread-exit') {
      this.#lastHour.threadExits.add(1, now);
    } else if (event.type === 'events-lost') {
      this.#lastHour.eventsLost.add(event.count, now);
    }
  }

  #noteMinute(): void {
    this.#noteStarved();
    this.#handlers.look(this.#parts.memory.stats(), performance.now() - this.#startedAt);
  }

  #noteStarved(): void {
    const { starved } = this.#parts.memory.counters;
    this.#lastHour.starved.add(starved - this.#starvedBefore, performance.now());
    this.#starvedBefore = starved;
  }

  #lastHourCounts(): LastHourCounts {
    this.#noteStarved();
    const { demoted, eventsLost, starved, threadExits } = this.#lastHour;
    const now = performance.now();
    return {
      eventsLost: eventsLost.total(now),
      starved: starved.total(now),
      threadExits: threadExits.total(now),
      demoted: demoted.total(now),
    };
  }

  async ping(): Promise<void> {
    await this.#parts.ping();
  }

  kick(clients: readonly Found[]): void {
    if (clients.length === 0) return;
    this.#parts.post({ type: 'kick', clients: clients.map(({ fd, client: { id } }) => ({ fd, id })) });
  }

  async profile(request: ProfileRequest): Promise<readonly ThreadProfile[]> {
    const { threads } = this.#parts.memory.stats();
    const serving = threads.filter(({ isRunning }) => isRunning).map(({ id }) => id);
    return this.#stacks.profile(request, serving);
  }

  verdict(): Verdict {
    const blocked = this.blocked();
    return blocked.length === 0
      ? ALL_WELL
      : verdictOf({ blocked, stats: { behindBlocked: this.#parts.memory.behindBlocked(0) } });
  }

  blocked(): BlockedThread[] {
    const now = sharedTime(performance.now());
    const blocked: BlockedThread[] = [];
    for (const row of this.#parts.memory.board.rows) {
      const { blockedSince } = row; // Read once: the acceptor may set it to 0 meanwhile.
      if (blockedSince !== 0) blocked.push(this.#blockOf(row, blockedSince, now));
    }
    return blocked;
  }

  threadTimes(id: number): ThreadTimes {
    const { engine, memory } = this.#parts;
    const { tid } = memory.board.row(id - 1);
    const [cpuMs, runDelayMs] = [engine.cpuTimeOf(tid), runDelayOf(tid)];
    return { ...(cpuMs !== undefined && { cpuMs }), ...(runDelayMs !== undefined && { runDelayMs }) };
  }

  /** What this process has counted alone. */
  ownTotals(stats = this.#parts.memory.stats()): Totals {
    return { stats: countedStats(stats), counts: this.#counts(), deploys: this.#parts.deploys.counts };
  }

  #counts(): Totals['counts'] {
    const { memory } = this.#parts;
    return {
      threadStarts: memory.countOf('thread-start'),
      threadExits: memory.countOf('thread-exit'),
      eventsLost: memory.events.lost,
    };
  }

  /** What not everybody reads is found out when it is read: a page asks once a second. */
  observe(): Observed {
    const { deploys, engine, memory, settings, state } = this.#parts;
    const { arena } = memory;
    const stats = memory.stats();
    const inherited = deploys.inherited(stats.takenOver);
    const totals = (): Totals => added(this.ownTotals(stats), inherited.totals);
    const lastHour = (): LastHourCounts => this.#lastHourCounts();
    const certificates = (): readonly CertificateExpiry[] => this.#certificates();
    return {
      stats,
      get notReading() {
        return notReading(memory.table);
      },
      state: state(),
      engine: engine.name,
      threads: settings.threads,
      maxClients: settings.maxClients,
      arena: { used: arena.used, size: arena.size },
      get totals() {
        return totals();
      },
      inherited,
      counts: { ...this.#counts(), lastReloadFailed: this.#lastReloadFailed },
      get lastHour() {
        return lastHour();
      },
      handlers: this.#handlers.trend(stats.messages),
      now: Date.now(),
      uptimeMs: performance.now() - this.#startedAt,
      blocked: this.blocked(),
      behindBlockedFor: (ms) => memory.behindBlocked(ms),
      codes: this.#journal.codes,
      acceptQueue: state() === 'closed' ? [] : engine.acceptQueues(), // Its fds may be others' then.
      get certificates() {
        return certificates();
      },
      ...this.#clocks(),
    };
  }

  /** What the kernel says of the time of threads. */
  #clocks(): Pick<Observed, 'cpuTimeOf' | 'runDelayOf'> {
    const { engine, memory } = this.#parts;
    const tidOf = (id: number): number => memory.board.row(id - 1).tid;
    return { cpuTimeOf: (id) => engine.cpuTimeOf(tidOf(id)), runDelayOf: (id) => runDelayOf(tidOf(id)) };
  }

  #certificates(): readonly CertificateExpiry[] {
    const credentials = this.#parts.credentials();
    if (credentials === undefined) return [];
    if (this.#expiries?.of !== credentials) this.#expiries = { of: credentials, all: certificateExpiries(credentials) };
    return this.#expiries.all;
  }

  #blockOf(row: ThreadRow, blockedSince: number, now: number): BlockedThread {
    const { blockMoved: moved, blockRelief, number: thread } = row;
    const client = this.#currentClient(row);
    const ms = Math.max(1, ageOf(blockedSince, now));
    const code = this.#journal.codeOf(thread, blockedSince);
    return {
      thread,
      ms,
      ...(client !== undefined && { client }),
      ...code,
      moved,
      ...(blockRelief >= 0 && { reliefMs: blockRelief }),
    };
  }

  #currentClient({ currentFd: fd, thread }: ThreadRow): BlockedThread['client'] {
    const { table } = this.#parts.memory;
    if (fd < 0) return undefined;
    const word = table.word(fd);
    const isServed = (stateOf(word) === BUSY || stateOf(word) === PINNED) && threadOf(word) === thread;
    return isServed ? { id: table.id(fd), address: formatPeer(table.address(fd)), port: table.port(fd) } : undefined;
  }
}

/** How long a thread was ready and had no CPU, in ms (proc(5), schedstat). */
function runDelayOf(tid: number): number | undefined {
  if (tid <= 0) return undefined;
  try {
    const [, waited] = readFileSync(`/proc/self/task/${tid}/schedstat`, 'utf8').split(' ');
    return Number(waited) / 1e6;
  } catch {
    return undefined;
  }
}
