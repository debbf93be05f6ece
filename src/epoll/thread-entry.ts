/** Starts a service thread of the epoll engine: wiring only. */
import { workerData } from 'node:worker_threads';
import { crash } from '../errors.ts';
import { Poller } from '../reactor/poller.ts';
import { Reactor, type Turns } from '../reactor/reactor.ts';
import { SleepTimer } from '../reactor/sleep-timer.ts';
import { Watchdog } from '../reactor/watchdog.ts';
import type { Generation } from '../sharing/connection-table.ts';
import { SERVING_SLICE_NS } from '../sharing/scheduling.ts';
import { EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLLIN, EPOLLONESHOT } from '../sys/constants.ts';
import { openLibc } from '../sys/libc.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import type { Sys } from '../sys/sys.ts';
import { ThreadClients } from '../thread/clients.ts';
import { giveBack } from '../thread/give-back.ts';
import type { EpollThreadStart } from '../thread/messages.ts';
import { type CommonParts, type MadeThread, runThread } from '../thread/run.ts';
import type { ServiceThreadParts, ThreadCommands } from '../thread/parts.ts';

/**
 * Ready sockets that one look takes at most; the rest comes with the next. epoll looks at each of them before it tells: few enough that
 * they are still in the cache when they are read. With 1,000 clients a message costs 4 to 8 % less than with 256.
 */
const EVENTS = 64;

/** The longest time that a timer takes, in ms: 24 days. Should it run out before `moveAfter`, the acceptor finds nothing wrong. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A thread as its reactor sees it, and as main does. */
interface TurningThread {
  readonly thread: ThreadCommands;
  readonly turns: Turns;
}

/** What this engine makes of the parts. */
type EpollParts = Omit<ServiceThreadParts, 'giveBack'> & Pick<CommonParts, 'streams'>;

const start = workerData as EpollThreadStart;

async function make(common: CommonParts, sys: Sys): Promise<MadeThread> {
  const { row } = common;
  const poller = Poller.create(sys, EVENTS);
  const watch = (operation: number, mask: number): void => {
    sys.epollControl(start.acceptorEpollFd, operation, poller.fd, mask, start.thread, poller.fd);
  };
  const { thread, turns } = await makeThread({ ...common, sys, poller }, sys, poller);
  const serve = (): { type: 'ready' } => {
    // What the acceptor needs to know of this thread.
    row.epollFd = poller.fd;
    row.tid = sys.threadId();
    sys.setSlice(0, SERVING_SLICE_NS);
    watch(EPOLL_CTL_ADD, EPOLLONESHOT);
    const arm = (): void => watch(EPOLL_CTL_MOD, EPOLLIN | EPOLLONESHOT);
    const [watchdog, sleepTimer] = [makeWatchdog(sys, row), makeSleepTimer(sys, poller, row)];
    new Reactor({ poller, row, turns, arm, watchdog, sleepTimer }).start();
    return { type: 'ready' };
  };
  return { thread, start: serve };
}

/** Where the system gives no timer, the thread does without. */
function makeWatchdog(sys: Sys, row: ThreadRow): Watchdog | undefined {
  const fd = sys.timerfd();
  if (fd < 0) return undefined;
  row.timerFd = fd;
  return new Watchdog(sys, row, Math.min(Math.ceil(start.settings.moveAfter), MAX_TIMER_MS));
}

function makeSleepTimer(sys: Sys, poller: Poller, row: ThreadRow): SleepTimer | undefined {
  const fd = sys.timerfd();
  if (fd < 0) return undefined;
  row.sleepTimerFd = fd;
  return SleepTimer.watch(sys, poller, fd);
}

/** Node's sockets are loaded by the threads that need them; their clients stay where they are. */
async function makeThread(parts: EpollParts, sys: Sys, newcomers: Poller): Promise<TurningThread> {
  const { mailboxFd, tls } = start;
  const alert = (): void => void sys.eventfdSignal(mailboxFd);
  if (tls === undefined && parts.streams === undefined) {
    const giving = { ...parts, sys };
    const clients = new ThreadClients({
      ...parts,
      alert,
      giveBack: (fd: number, generation: Generation) => giveBack(giving, fd, generation),
    });
    return { thread: clients, turns: clients };
  }
  const { TlsThread } = await import('../streams/tls-thread.ts');
  const turns = new TlsThread({ ...parts, sys, newcomers, tls, alert });
  return { thread: turns.streams, turns };
}

runThread(start, { load: openLibc, make }).catch(crash);
