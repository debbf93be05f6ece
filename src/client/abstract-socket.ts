/** Connects to a Unix socket whose name has no file (`@name`): Node 20 fills such names up with zeros, which are then a part of them. */
import { Socket } from 'node:net';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from '../sys/constants.ts';
import { errnoName } from '../sys/errno.ts';
import { openLibc } from '../sys/libc.ts';

/** Gives a socket that is connected, or that ends with an error in the next tick. Errors: `HEDDLE_UNSUPPORTED`. */
export function connectAbstract(name: string): Socket {
  const sys = openLibc();
  const fd = sys.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const result = fd < 0 ? fd : sys.connect(fd, { family: 'unix', address: name, port: 0 });
  if (result >= 0) return announced(new Socket({ fd }));
  if (fd >= 0) sys.close(fd);
  const code = errnoName(result);
  const error = Object.assign(new Error(`connect ${code} ${name}`), { code, syscall: 'connect' });
  return new Socket().destroy(error);
}

/** A Unix socket connects at once; who waits for it to do so hears of it as of any other. */
function announced(socket: Socket): Socket {
  process.nextTick(() => socket.emit('connect'));
  return socket;
}
