/** The net engine on main: Node's own sockets, each of which belongs to one thread. */
import type { AcceptorStart, FromAcceptor, NetAcceptorStart } from '../acceptor/messages.ts';
import { HeddleError } from '../errors.ts';
import { DEFAULT_PORT } from '../options/default-port.ts';
import { withoutKernel } from '../sys/without-kernel.ts';
import { AcceptorHandle } from './acceptor-handle.ts';
import type { Engine, ThreadExtras, Where } from './engine.ts';
import { adoptNet, listenNet, type NetListener } from './listen-net.ts';
import type { ServerAddress } from './listening-socket.ts';
import type { SharedMemory } from './shared-memory.ts';

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

  async listen({ host, port, unix, listenFds = [], backlog }: Where): Promise<readonly ServerAddress[]> {
    if (unix !== undefined) throw noUnix(unix);
    try {
      for (const fd of listenFds) this.#listeners.push(await adoptNet(fd, backlog));
      if (host !== undefined || port !== undefined || listenFds.length === 0) {
        this.#listeners.push(await listenNet(host, port ?? DEFAULT_PORT, backlog));
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

  /** The listening sockets were the acceptor's, and are closed with it. */
  end(memory: SharedMemory): void {
    memory.closeLeft(withoutKernel);
  }
}

function noUnix(path: string): HeddleError {
  const why = 'the net engine has no Unix sockets: Node cannot hand them to other threads';
  const advice = 'Listen on a port (leave --unix out), or use the epoll engine (--engine epoll, on Linux)';
  return new HeddleError('HEDDLE_UNSUPPORTED', `Cannot listen on unix:${path}: ${why}. ${advice}`);
}
