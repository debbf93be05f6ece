/** Runs the net engine on main: Node's own sockets, each of which belongs to one thread. */
import type { AcceptorStart, FromAcceptor, NetAcceptorStart } from '../acceptor/messages.ts';
import { HeddleError } from '../errors.ts';
import type { ServeSettings } from '../options/serve-options.ts';
import type { NameOf } from '../options/source.ts';
import { fileLimit } from '../sys/file-limit.ts';
import { requireNet } from '../sys/permissions.ts';
import { withoutKernel } from '../sys/without-kernel.ts';
import { AcceptorHandle } from './acceptor-handle.ts';
import type { Engine, ThreadExtras } from './engine.ts';
import { adoptNet, listenNet, type NetListener } from '../net/listen.ts';
import type { ServerAddress } from '../listen/listening-socket.ts';
import type { SharedMemory } from './shared-memory.ts';
import { listenAddresses } from '../listen/addresses.ts';

export class NetEngine implements Engine {
  readonly name = 'net';
  readonly threadProgram = 'net-thread';
  #listeners: NetListener[] = [];

  fileLimit(): number {
    return fileLimit();
  }

  filesPerClient(): number {
    return 1;
  }

  async listen(settings: ServeSettings, nameOf: NameOf): Promise<readonly ServerAddress[]> {
    requireNet();
    refuseWhatEpollDoes(settings, nameOf);
    const { listenFds = [], backlog } = settings;
    const isListed = settings.listen !== undefined;
    try {
      for (const fd of listenFds) this.#listeners.push(await adoptNet(fd, backlog));
      for (const place of listenAddresses(settings, this.#listeners.length === 0)) {
        if ('unix' in place) throw noUnix(place.unix, nameOf);
        this.#listeners.push(...(await listenNet({ ...place, isListed, nameOf }, backlog)));
      }
    } catch (error) {
      for (const listener of this.#listeners) listener.close();
      throw error;
    }
    return this.#listeners.map(({ address }) => address);
  }

  startAcceptor(start: AcceptorStart, onMessage: (message: FromAcceptor) => void): AcceptorHandle {
    const listeners = this.#listeners.map(({ parked }) => parked);
    const itsStart: NetAcceptorStart = { ...start, listeners };
    return new AcceptorHandle({
      program: 'net-acceptor',
      start: itsStart,
      transfer: listeners.flatMap(({ inside, outside }) => [inside, outside]),
      onMessage,
      // It hears messages in Node's event loop, and ends with the process.
      signal() {},
      wake() {},
    });
  }

  canStartThread(): boolean {
    return true;
  }

  cpuTimeOf(): undefined {}

  peerUid(): undefined {}

  acceptQueues(): [] {
    return [];
  }

  threadExtras(): ThreadExtras {
    return {};
  }

  /** Nobody was here before. */
  async takeOver(): Promise<void> {}

  /** The listening sockets were the acceptor's, and are closed with it. */
  end(memory: SharedMemory, _isSucceeded: boolean, detail: string | undefined, lost: readonly number[]): void {
    memory.closeLeft(withoutKernel, detail, lost);
  }

  endLost(memory: SharedMemory, thread: number): void {
    memory.closeLost(withoutKernel, thread);
  }

  discard(): void {
    for (const listener of this.#listeners) listener.close();
  }

  /** Node closes the sockets with the threads that have them. */
  abandon(): void {}
}

/** Throws HEDDLE_UNSUPPORTED for options that take a socket of the kernel's. */
function refuseWhatEpollDoes({ proxyProtocol, takeOver, tls }: ServeSettings, nameOf: NameOf): void {
  if (takeOver !== undefined) {
    const why = 'Node cannot hand its sockets to other processes';
    throw unsupported(nameOf('takeOver'), why, 'Leave it out', nameOf);
  }
  if (tls !== undefined && proxyProtocol.length > 0) {
    const advice = 'Have the load balancer end TLS, leave one of them out';
    const what = `${nameOf('proxyProtocol')} beside ${nameOf('tls')}`;
    throw unsupported(what, 'Node reads beyond the PROXY header', advice, nameOf);
  }
}

function unsupported(what: string, why: string, advice: string, nameOf: NameOf): HeddleError {
  const epoll = `or on Linux the epoll engine, with ${nameOf('engine')}`;
  return new HeddleError('HEDDLE_UNSUPPORTED', `The net engine cannot do ${what}: ${why}. ${advice}, ${epoll}`);
}

function noUnix(path: string, nameOf: NameOf): HeddleError {
  const why = 'the net engine has no Unix sockets: Node cannot hand them to other threads';
  const advice = `Listen on a port instead, or use on Linux the epoll engine, with ${nameOf('engine')}`;
  return new HeddleError('HEDDLE_UNSUPPORTED', `Cannot listen on unix:${path}: ${why}. ${advice}`);
}
