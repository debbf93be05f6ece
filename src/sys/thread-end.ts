/** Has libc close an fd when the thread ends that this is called on, however it ends: no JavaScript runs then. */
import type { NativeBuffer } from './structs/native-buffer.ts';

/** Makes a function of libc from its signature. */
export type FindCall = (signature: string) => (...args: (number | bigint | string)[]) => number;

/** RTLD_DEFAULT of dlsym(3). */
const ANYWHERE = 0;

/*
 * A key of pthread_key_create(3) has a destructor: as the thread ends, libc calls it with the thread's value for the key.
 * Here the destructor is `close`, and the value is the fd.
 */

/**
 * Closes `fd` when this thread ends; gives a function that undoes it, to be called before `fd` is closed otherwise. `memory` is
 * for the key. Where there are no keys left, nothing is done.
 */
export function closeAtThreadEnd(find: FindCall, fd: number, memory: NativeBuffer): () => void {
  const close = find('uintptr_t dlsym(uintptr_t, str)')(ANYWHERE, 'close');
  const created = find('int pthread_key_create(void *, uintptr_t)')(memory.address, close);
  const key = memory.bytes.readUInt32LE(0);
  // A value of 0 is none.
  if (created !== 0 || fd === 0) return () => {};
  find('int pthread_setspecific(unsigned int, uintptr_t)')(key, fd);
  return () => void find('int pthread_key_delete(unsigned int)')(key);
}
