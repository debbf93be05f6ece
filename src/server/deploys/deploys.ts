/** Keeps the accounts of reloads and take-overs, and what the processes before this one have counted. */
import type { FromAcceptor } from '../../acceptor/messages.ts';
import { noDeploys } from '../../admin/deploy-counts.ts';
import { added, type Inherited, type Totals } from '../../admin/totals.ts';
import { unaccounted } from '../../log/deploy-text.ts';
import type { Deploy, ServerEvent } from '../../log/event.ts';
import { CLOSE_REASONS, isDrop } from '../../sharing/close-reason.ts';
import { ABSENT } from '../../sharing/thread-board.ts';
import type { SharedMemory } from '../shared-memory.ts';
import { Predecessor } from './predecessor.ts';
import { ReloadAccounts } from './reload-accounts.ts';
import { Successor } from './successor.ts';
import type { Leaving, Word } from './word.ts';

/** So many deploys are remembered. */
const MOST_REMEMBERED = 16;

const NOBODY: Leaving = { clients: 0, stayed: 0, dropped: 0 };

interface Parts {
  readonly memory: Pick<SharedMemory, 'board' | 'stats'>;
  /** What this process has counted alone. */
  readonly totals: () => Totals;
  readonly report: (event: ServerEvent) => void;
}

/** What had become of clients when another process began to accept. */
interface Before {
  readonly since: number;
  readonly gone: number;
  readonly stayed: number;
  readonly dropped: number;
}

export class Deploys {
  readonly counts = noDeploys();
  readonly #parts: Parts;
  readonly #reloads: ReloadAccounts;
  /** The last ones of this process. */
  #deploys: Deploy[] = [];
  #last: Inherited['last'];
  #predecessor: Predecessor | undefined;
  #successor: Successor | undefined;
  #before: Before = { since: 0, gone: 0, stayed: 0, dropped: 0 };

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#reloads = new ReloadAccounts(parts.memory.board, (deploy) => this.#add(deploy));
  }

  /** `takenOver`: how many clients this process has from the one before, which may not have told that they have left. */
  inherited(takenOver: number): Inherited {
    const before = this.#predecessor;
    const { deploys = [], generation = 1, totals } = before?.word ?? {};
    const newest = deploys.at(-1);
    const last = this.#last ?? (newest && { time: newest.time, isSuccess: newest.result === 'success' });
    return {
      generation: before === undefined ? 1 : generation + 1,
      totals,
      deploys: [...deploys, ...this.#deploys].slice(-MOST_REMEMBERED),
      last,
      predecessor:
        before === undefined || before.isOver ? undefined : { pid: before.pid, clients: leftIn(before, takenOver) },
    };
  }

  /** New code serves, and the clients of `threads` leave these. The reload began at `since`, in `performance.now()` ms. */
  reloaded(threads: readonly number[], since: number): void {
    this.#succeeded('reload');
    this.#reloads.begin(threads, since);
  }

  failed(kind: Deploy['kind'], since: number, detail: string): void {
    this.counts[kind].failure++;
    this.#last = { time: Date.now(), isSuccess: false };
    const ms = Math.round(performance.now() - since);
    this.#add({ time: Date.now(), kind, result: 'failure', ms, threads: this.#threads, detail });
  }

  /** `thread` was told to end and does not. */
  lost(thread: number): void {
    this.#reloads.lost(thread);
  }

  /** Takes from what the acceptor says what is about deploys. */
  onMessage(message: FromAcceptor): void {
    if (message.type === 'thread-cleared') this.#reloads.ended(message.thread);
    else if (message.type === 'thread-retires') this.#reloads.retires(message.thread, message.flow);
    else if (message.type === 'predecessor-left') this.#takesOver(message.pid, message.totalsFd);
    else if (message.type === 'predecessor-over') this.#predecessor?.noMore(message.clients);
    else if (message.type === 'succeeded') this.#handsOver(message.totalsFd, message.handedOver);
    else if (message.type === 'successor-lost')
      this.#goesOn(`process ${message.pid} ended before it had taken all clients`);
    else if (message.type === 'successor-failed')
      this.failed('take-over', performance.now(), `process ${message.pid} ended before it served`);
  }

  /** Tells the process that takes over all that was counted: this one ends. */
  async end(): Promise<void> {
    await this.#successor?.end();
    this.#predecessor?.close();
  }

  #succeeded(kind: Deploy['kind']): void {
    this.counts[kind].success++;
    this.#last = { time: Date.now(), isSuccess: true };
  }

  #takesOver(pid: number, fd: number): void {
    this.#succeeded('take-over');
    this.#predecessor = new Predecessor({ pid, fd, threads: () => this.#threads, done: (deploy) => this.#add(deploy) });
  }

  /** `gone`: how many clients had gone to other processes before. */
  #handsOver(fd: number, gone: number): void {
    this.#before = { since: performance.now(), gone, ...this.#ends() };
    this.#successor = fd < 0 ? undefined : new Successor(fd, (isLast) => this.#word(isLast));
  }

  #goesOn(detail: string): void {
    this.#successor?.close();
    this.#successor = undefined;
    this.failed('take-over', this.#before.since, detail);
  }

  #word(isLast: boolean): Word {
    const { deploys, generation, totals } = this.inherited(0);
    return {
      generation,
      leaving: this.#leaving(),
      totals: added(this.#parts.totals(), totals),
      deploys,
      isLast,
    };
  }

  /** Who comes to this process is the same from the moment when another one accepts: those that were here are all that ever came, less who had left. */
  #leaving(): Leaving {
    const { accepted, takenOver } = this.#parts.memory.stats();
    const { dropped, gone, stayed } = this.#before;
    const ends = this.#ends();
    return {
      clients: accepted + takenOver - gone - stayed - dropped,
      stayed: ends.stayed - stayed,
      dropped: ends.dropped - dropped,
    };
  }

  #ends(): Pick<Leaving, 'stayed' | 'dropped'> {
    const { closes } = this.#parts.memory.stats();
    const sum = (isCounted: (isDropped: boolean) => boolean): number =>
      CLOSE_REASONS.reduce((all, reason) => all + (isCounted(isDrop(reason)) ? closes[reason] : 0), 0);
    return { stayed: sum((isDropped) => !isDropped), dropped: sum((isDropped) => isDropped) };
  }

  get #threads(): number {
    return this.#parts.memory.board.rows.filter(({ state }) => state !== ABSENT).length;
  }

  #add(deploy: Deploy): void {
    this.counts[deploy.kind].dropped += (deploy.dropped ?? 0) + Math.max(0, unaccounted(deploy));
    this.#deploys = [...this.#deploys, deploy].slice(-MOST_REMEMBERED);
    this.#parts.report({ type: 'deploy', ...deploy });
  }
}

/** How many clients `predecessor` has now. */
function leftIn({ word }: Predecessor, takenOver: number): number {
  const { clients, dropped, stayed } = word?.leaving ?? NOBODY;
  return Math.max(0, clients - dropped - stayed - takenOver);
}
