/** Stands in for `Sys` where Node itself has the sockets and there is no FFI. */
import { EPERM } from './errno.ts';
import { NativeBuffer } from './structs/native-buffer.ts';
import { unsentOf } from './send-queues.ts';
import { formatPeer } from './structs/socket-address.ts';
import type { Sys } from './sys.ts';

/** What can be done without asking the kernel, with what that answers where it cannot be asked. */
export const withoutKernel: Pick<
  Sys,
  | 'allocate'
  | 'wrap'
  | 'releasePages'
  | 'trimMemory'
  | 'getsockopt'
  | 'storeAndClose'
  | 'discardOnClose'
  | 'addressText'
  | 'isRunnable'
  | 'setSlice'
  | 'addNice'
> & { unsent(fd: number, nodeFd: number): number } = {
  allocate: (size) => withoutAddress(Buffer.alloc(size)),
  wrap: withoutAddress,
  releasePages: () => EPERM,
  trimMemory() {},
  getsockopt: () => EPERM,
  addressText: formatPeer,
  // A slot is no file: what stands for the socket closes it.
  storeAndClose: storingBefore(() => 0),
  discardOnClose: () => 0,
  unsent: (_fd, nodeFd) => unsentOf(nodeFd),
  isRunnable: () => false,
  setSlice: () => 0,
  addNice: () => EPERM,
};

/** What `storeAndClose` is where `close` is not the kernel's. */
export function storingBefore(close: Sys['close']): Sys['storeAndClose'] {
  return (words, at, value, fd) => {
    Atomics.store(words, at, value);
    return close(fd);
  };
}

/** Memory for Node's own streams: no call is made that would need its address. */
function withoutAddress(bytes: Uint8Array): NativeBuffer {
  return new NativeBuffer(bytes, () => 0n);
}
