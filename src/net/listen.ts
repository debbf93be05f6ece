/** Opens a listening socket of Node's, as a server that nobody accepts from until the acceptor does. */
import { createServer, type ListenOptions } from 'node:net';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import type { ParkedListener } from '../acceptor/messages.ts';
import { HeddleError } from '../errors.ts';
import { resultOf } from '../sys/errno.ts';
import type { ServerAddress } from '../listen/listening-socket.ts';
import { listenAt, listenError, type TcpRequest } from '../listen/tcp-address.ts';
import { hostText } from '../listen/zone.ts';

export interface NetListener {
  readonly address: ServerAddress;
  /** Handed over to the acceptor, it is the acceptor's. */
  readonly parked: ParkedListener;
  /** Closes it before it was handed over. */
  readonly close: () => void;
}

/** Opens a listening socket, as `listenTcp` does. Errors: `HEDDLE_LISTEN`. */
export async function listenNet(place: TcpRequest, backlog: number): Promise<readonly NetListener[]> {
  return listenAt(place, async (target) => {
    const { port, family } = target.address;
    const where = {
      host: hostText(target.address),
      port,
      ipv6Only: family === 'IPv6' && !target.isAll,
      exclusive: true,
    };
    try {
      return await open({ ...where, backlog }, backlog);
    } catch (error) {
      const { code, syscall = 'listen' } = error as NodeJS.ErrnoException;
      const result = resultOf(code);
      throw result === undefined ? error : listenError(syscall, result, target);
    }
  });
}

/** Takes over the TCP socket `fd`, which listens already. Errors: `HEDDLE_LISTEN`. */
export async function adoptNet(fd: number, backlog: number): Promise<NetListener> {
  try {
    return await open({ fd, backlog }, backlog);
  } catch (cause) {
    const { code = String(cause), syscall } = cause as NodeJS.ErrnoException;
    const advice = 'Hand over TCP sockets that listen; the net engine takes no others';
    throw new HeddleError('HEDDLE_LISTEN', `Cannot listen on file descriptor ${fd}: ${code}. ${advice}`, {
      cause,
      errno: code,
      ...(syscall !== undefined && { syscall }),
    });
  }
}

async function open(options: ListenOptions & { readonly fd?: number }, backlog: number): Promise<NetListener> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // In this very callback: when Node's loop goes round once more, the server accepts.
    server.listen(options, () => {
      try {
        const bound = server.address();
        if (bound === null || typeof bound === 'string') throw new Error('it is no TCP socket');
        const { port1: outside, port2: inside } = new MessageChannel();
        const address: ServerAddress = {
          family: bound.family === 'IPv6' ? 'IPv6' : 'IPv4',
          host: bound.address,
          port: bound.port,
        };
        outside.postMessage(server, [server as never]);
        const close = (): void => {
          receiveMessageOnPort(inside)?.message.close();
          inside.close();
        };
        resolve({ address, parked: { inside, outside, backlog }, close });
      } catch (error) {
        server.close();
        reject(error);
      }
    });
  });
}
