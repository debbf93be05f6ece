/** Runs the service on a thread: what all engines do in the same order. */
import { type MessagePort, parentPort } from 'node:worker_threads';
import { AddressRules } from '../connection/address-rules.ts';
import { callContext } from '../connection/call-context.ts';
import { borrows } from '../connection/bytes/read-message.ts';
import type { RateLimit } from '../connection/rate/message-rate.ts';
import { NO_MESSAGES, type Service, type ServiceThread, type StreamService } from '../connection/service.ts';
import { THREAD_START, THREAD_STOP } from '../connection/tracing.ts';
import { crash, errorToRecord } from '../errors.ts';
import type { ServerEvent } from '../log/event.ts';
import { encodeEvent } from '../log/event-record.ts';
import { Arena } from '../sharing/arena.ts';
import { ClientsPerAddress } from '../sharing/clients-per-address.ts';
import { ConnectionTable } from '../sharing/connection-table.ts';
import { intervalOf } from '../options/values/rate.ts';
import { EventRing } from '../sharing/event-ring.ts';
import { RateCells } from '../sharing/rate/rate-cells.ts';
import { unpackShared } from '../sharing/shared-values.ts';
import { MemoryAccount } from '../sharing/memory-account.ts';
import { ENDING, ThreadBoard, type ThreadRow } from '../sharing/thread-board.ts';
import { framingsOf, loadService, pathOf, refuseLateTls, refuseMessageOptions, startService } from './load-service.ts';
import type { FromThread, ThreadStart, ToThread, TrialStart } from './messages.ts';
import type { ServiceThreadParts, ThreadCommands } from './parts.ts';
import { makeThreadMemory } from './thread-memory.ts';
import { requireKnown, UnknownNeeds } from './unknown-needs.ts';

/** What a thread is made of but for what its engine adds. */
export type CommonParts = Omit<ServiceThreadParts, 'sys' | 'poller' | 'giveBack'> & {
  /** The service, if it is one of streams. */
  readonly streams: StreamService | undefined;
};

/** What an engine makes of them. */
export interface MadeThread {
  readonly thread: ThreadCommands;
  /** Has it serve from now on; returns what to tell main. */
  readonly start: () => Extract<FromThread, { type: 'ready' }>;
}

export interface ThreadEngine<Loaded> {
  /** Loads what the engine needs; the thread must not be ended from outside meanwhile. */
  readonly load: () => Loaded;
  readonly make: (parts: CommonParts, loaded: Loaded) => Promise<MadeThread>;
}

type Report = (event: ServerEvent) => void;

const port = parentPort as NonNullable<typeof parentPort>;

/** Runs the thread that `start` describes. */
export async function runThread<Loaded>(start: ThreadStart | TrialStart, engine: ThreadEngine<Loaded>): Promise<void> {
  try {
    await run(start, engine);
  } catch (error) {
    const record = errorToRecord(error, 'HEDDLE_SERVICE_LOAD');
    say({ type: 'failed', error: record, ...(error instanceof UnknownNeeds && { needs: error.needs }) });
    port.close();
  }
}

async function run<Loaded>(start: ThreadStart | TrialStart, engine: ThreadEngine<Loaded>): Promise<void> {
  const loaded = sayLoaded(engine.load());
  callContext.watch();
  // Not beside it: a module may block this thread as it loads, which then could not say that it may be ended.
  const given = await loadService(start.service);
  requireKnown(given.needs ?? {}, start.needs, pathOf(start.service));
  if (given.stream !== undefined) refuseMessageOptions(start);
  const [service, streams] = given.stream === undefined ? [given, undefined] : [NO_MESSAGES, given];
  const memory = makeThreadMemory();
  const framings = framingsOf(service, start, memory.findByte);
  if ('isTrial' in start) return endTrial();
  refuseLateTls(given, start);
  const lent = framings.some(({ framing }) => borrows(service, framing)) ? memory.whole : undefined;
  const about = { id: start.thread + 1, shared: unpackShared(start.shared), memory: lent };
  await startService(given, start.service, about);
  const complain = reportTo(start.memory.events);
  const parts: CommonParts = {
    ...openShared(start, complain),
    memory,
    service,
    streams,
    framings,
    settings: start.settings,
    rate: rateOf(start),
    rules: rulesOf(start, complain),
    report: start.reports === 'all' ? complain : undefined,
    complain,
    drained: () => say({ type: 'drained' }),
  };
  serve(await engine.make(parts, loaded), { start, given, about, row: parts.row, complain });
}

/** A service as a thread runs it. */
interface Given {
  readonly start: ThreadStart;
  readonly given: Service | StreamService;
  /** What its hooks are told. */
  readonly about: ServiceThread;
  readonly row: ThreadRow;
  readonly complain: Report;
}

/** Has the thread serve, and hear what main tells it, from now on. */
function serve({ thread, start: begin }: MadeThread, { start, given, about, row, complain }: Given): void {
  const stop = async (): Promise<void> => {
    THREAD_STOP.publish({ thread: about.id });
    const problem = await stopService(given, about);
    if (problem !== undefined) {
      complain({ type: 'thread-exit', time: Date.now(), thread: about.id, cause: 'stop', detail: problem });
    }
    process.exit();
  };
  port.on('message', (message: ToThread) => onMessage(message, thread, stop));
  describeOn(row, given, start);
  process.prependOnceListener('exit', () => (row.state = ENDING));
  THREAD_START.publish({ thread: about.id });
  const ready = begin();
  say(ready, ready.clients);
}

/** The service can be used. */
function endTrial(): void {
  say({ type: 'ready' });
  port.close();
}

/** Tells the acceptor what kind of clients the thread has. */
function describeOn(row: ThreadRow, service: Service | StreamService, start: ThreadStart): void {
  // Under TLS the time for the handshake begins with the connection, whether the client says something or not.
  row.pins = service.session !== undefined || service.stream !== undefined || start.tls !== undefined;
  row.speaksFirst = service.open !== undefined || row.pins;
}

function onMessage(message: ToThread, thread: ThreadCommands, stop: () => Promise<void>): void {
  if (message.type === 'drain') thread.drain();
  else if (message.type === 'leave') thread.leave();
  else if (message.type === 'stay') thread.stay();
  else if (message.type === 'ticket-keys') thread.useTicketKeys?.(message.keys);
  else stop().catch(crash);
}

/** Who may come, where PROXY headers say who comes. */
function rulesOf({ memory, settings }: ThreadStart, report: Report): AddressRules | undefined {
  const { addresses, table } = memory;
  if (settings.proxyProtocol.length === 0) return undefined;
  const stuck = (): void => report({ type: 'lock-stuck', time: Date.now(), what: 'addresses' });
  return new AddressRules(settings, addresses && new ClientsPerAddress(addresses, new ConnectionTable(table), stuck));
}

function rateOf({ memory, settings: { rate } }: ThreadStart): RateLimit | undefined {
  if (memory.rates === undefined || rate === 'none') return undefined;
  return { rate, cells: new RateCells(memory.rates, { interval: intervalOf(rate.messages), burst: rate.burst }) };
}

/** What all threads share, and this one's row. */
function openShared({ memory, settings, thread }: ThreadStart, report: Report) {
  const stuck = (): void => report({ type: 'lock-stuck', time: Date.now(), what: 'messages' });
  const [arena, board] = [new Arena(memory.arena, stuck), new ThreadBoard(memory.board)];
  const account = new MemoryAccount(board, arena, settings.maxMemory);
  return { table: new ConnectionTable(memory.table), arena, account, row: board.row(thread), room: board.waitingRoom };
}

function sayLoaded<Loaded>(loaded: Loaded): Loaded {
  say({ type: 'loaded' });
  return loaded;
}

function say(message: FromThread, clients?: MessagePort): void {
  port.postMessage(message, clients === undefined ? [] : [clients]);
}

function reportTo(ring: SharedArrayBuffer): Report {
  const events = new EventRing(ring);
  return (event) => void events.write(encodeEvent(event));
}

/** Returns what the service's `stop` threw. */
async function stopService(service: Service | StreamService, about: ServiceThread): Promise<string | undefined> {
  try {
    await service.stop?.(about);
    return undefined;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}
