/** What a service thread runs: wiring only. */
import { readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { Service } from '../connection/service.ts';
import { errorToRecord } from '../errors.ts';
import type { ServerEvent } from '../log/event.ts';
import { Poller } from '../reactor/poller.ts';
import { Reactor } from '../reactor/reactor.ts';
import { Arena } from '../sharing/arena.ts';
import { ConnectionTable } from '../sharing/connection-table.ts';
import { EventRing } from '../sharing/event-ring.ts';
import { unpackShared } from '../sharing/shared-values.ts';
import { ThreadBoard, type ThreadRow } from '../sharing/thread-board.ts';
import { SERVING_SLICE } from '../sharing/scheduling.ts';
import { EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLLIN, EPOLLONESHOT } from '../sys/constants.ts';
import { openLibc } from '../sys/libc.ts';
import type { Sys } from '../sys/sys.ts';
import { framingOf, loadService, startService } from './load-service.ts';
import type { FromThread, ThreadStart, ToThread } from './messages.ts';
import { ServiceThread, type ServiceThreadParts } from './service-thread.ts';

/** Ready sockets that one turn takes at most; the rest comes with the next. */
const EVENTS = 256;

const start = workerData as ThreadStart;
const port = parentPort as NonNullable<typeof parentPort>;
const say = (message: FromThread): void => port.postMessage(message);

const events = start.events === undefined ? undefined : new EventRing(start.events);
const report = events && ((event: ServerEvent) => void events.write(JSON.stringify(event)));
const about = { id: start.thread + 1, shared: unpackShared(start.shared) };

async function run(): Promise<void> {
  const [sys, service] = await Promise.all([openLibc().then(sayLoaded), loadService(start.service)]);
  const framing = framingOf(service, start);
  await startService(service, start.service, about);
  const row = new ThreadBoard(start.board).row(start.thread);
  const poller = Poller.create(sys, EVENTS);
  const watch = (operation: number, mask: number): void => {
    sys.epollControl(start.acceptorEpollFd, operation, poller.fd, mask, start.thread, poller.fd);
  };
  const thread = await makeThread({
    sys,
    table: new ConnectionTable(start.table),
    arena: new Arena(start.arena),
    row,
    poller,
    service,
    framing,
    timeouts: start.timeouts,
    maxUnsent: start.maxUnsent,
    arm: () => watch(EPOLL_CTL_MOD, EPOLLIN | EPOLLONESHOT),
    report,
    drained: () => say({ type: 'drained' }),
  });
  port.on('message', (message: ToThread) => {
    if (message.type === 'drain') thread.drain();
    else void stop(service);
  });
  describe(row, service, poller.fd);
  sys.setSlice(0, SERVING_SLICE);
  watch(EPOLL_CTL_ADD, EPOLLONESHOT);
  new Reactor(poller, row, thread).start();
  say({ type: 'ready' });
}

/** TLS is loaded by the threads that need it. */
async function makeThread(parts: ServiceThreadParts): Promise<ServiceThread> {
  const { mailboxFd, tls } = start;
  if (tls === undefined) return new ServiceThread(parts);
  const { TlsThread } = await import('./tls-thread.ts');
  return new TlsThread({ ...parts, tls, alert: () => parts.sys.eventfdSignal(mailboxFd) });
}

function sayLoaded(sys: Sys): Sys {
  say({ type: 'loaded' });
  return sys;
}

/** Writes on the board what the acceptor needs to know of this thread. */
function describe(row: ThreadRow, service: Service, epollFd: number): void {
  // Under TLS the time for the handshake begins with the connection, whether the client says something or not.
  row.greets = service.open !== undefined || service.session !== undefined || start.tls !== undefined;
  row.epollFd = epollFd;
  row.tid = Number(basename(readlinkSync('/proc/thread-self')));
}

async function stop(service: Service): Promise<void> {
  try {
    await service.stop?.(about);
  } catch (error) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    report?.({ type: 'thread-exit', time: Date.now(), thread: about.id, cause: 'stop', detail });
  }
  process.exit();
}

run().catch((error: unknown) => {
  say({ type: 'failed', error: errorToRecord(error, 'HEDDLE_SERVICE_LOAD') });
  port.close();
});
