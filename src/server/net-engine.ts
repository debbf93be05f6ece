/** The net engine on main: Node's own sockets, each of which belongs to one thread. */
import type { AcceptorStart, FromAcceptor, NetAcceptorStart } from '../acceptor/messages.ts';
import { HeddleError } from '../errors.ts';
import type { ServeSettings } from '../options/serve-options.ts';
import { withoutKernel } from '../sys/without-kernel.ts';
import { AcceptorHandle } from './acceptor-handle.ts';
import type { Engine, ThreadExtras } from './engine.ts';
import { adoptNet, listenNet, type NetListener } from './listen-net.ts';
import type { ServerAddress } from './listening-socket.ts';
import type { SharedMemory } from './shared-memory.ts';
import { placesIn } from './where.ts';

/** Where the system names no limit of open files: Windows has none to speak of. */
const FILES_WITHOUT_LIMIT = 2 ** 16;

/** Newer than the types. */
type Report = NodeJS.ProcessReport & { excludeNetwork?: boolean | undefined };

export class NetEngine implements Engine {
  readonly name = 'net';
  readonly threadEntry = new URL('../thread/net-entry.js', import.meta.url);
  #listeners: NetListener[] = [];

  fileLimit(): number {
    const report: Report = process.report;
    const before = report.excludeNetwork;
    report.excludeNetwork = true; // Not the names of all peers, which would have to be looked up.
    const { userLimits } = report.getReport() as { readonly userLimits?: { open_files?: { soft: number | string } } };
    report.excludeNetwork = before;
    const soft = userLimits?.open_files?.soft;
    if (soft === 'unlimited') return Infinity;
    return typeof soft === 'number' ? soft : FILES_WITHOUT_LIMIT;
  }

  async listen(settings: ServeSettings): Promise<readonly ServerAddress[]> {
    refuseWhatEpollDoes(settings);
    const { listenFds = [], backlog } = settings;
    const isListed = settings.listen !== undefined;
    try {
      for (const fd of listenFds) this.#listeners.push(await adoptNet(fd, backlog));
      for (const place of placesIn(settings, this.#listeners.length === 0)) {
        if ('unix' in place) throw noUnix(place.unix);
        this.#listeners.push(await listenNet({ ...place, isListed }, backlog));
      }
    } catch (error) {
      for (const listener of this.#listeners) listener.close();
      throw error;
    }
    return this.#listeners.map(({ address }) => address);
  }

  startAcceptor(start: AcceptorStart, hear: (message: FromAcceptor) => void): AcceptorHandle {
    const listeners = this.#listeners.map(({ parked }) => parked);
    const itsStart: NetAcceptorStart = { ...start, listeners };
    return new AcceptorHandle({
      entry: new URL('../acceptor/net-entry.js', import.meta.url),
      start: itsStart,
      transfer: listeners.flatMap(({ inside, outside }) => [inside, outside]),
      hear,
      // It hears messages in Node's event loop, and ends with the process.
      ring() {},
      wake() {},
    });
  }

  threadExtras(): ThreadExtras {
    return {};
  }

  /** Nobody was here before. */
  async takePlace(): Promise<void> {}

  /** The listening sockets were the acceptor's, and are closed with it. */
  end(memory: SharedMemory): void {
    memory.closeLeft(withoutKernel);
  }
}

/** Throws HEDDLE_UNSUPPORTED for options that take a socket of the kernel's. */
function refuseWhatEpollDoes({ proxyProtocol, takeOver, tls }: ServeSettings): void {
  if (takeOver !== undefined) {
    throw unsupported('options.takeOver', 'Node cannot hand its sockets to other processes', 'Leave it out');
  }
  if (tls !== undefined && proxyProtocol.length > 0) {
    const advice = 'Have the load balancer end TLS, leave one of them out';
    throw unsupported('options.proxyProtocol beside options.tls', 'Node reads beyond the PROXY header', advice);
  }
}

function unsupported(what: string, why: string, advice: string): HeddleError {
  const epoll = 'or use the epoll engine (--engine epoll, on Linux)';
  return new HeddleError('HEDDLE_UNSUPPORTED', `The net engine cannot do ${what}: ${why}. ${advice}, ${epoll}`);
}

function noUnix(path: string): HeddleError {
  const why = 'the net engine has no Unix sockets: Node cannot hand them to other threads';
  const advice = 'Listen on a port instead, or use the epoll engine (--engine epoll, on Linux)';
  return new HeddleError('HEDDLE_UNSUPPORTED', `Cannot listen on unix:${path}: ${why}. ${advice}`);
}
