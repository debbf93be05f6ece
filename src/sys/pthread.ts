/** Calls what libc has for threads (pthreads): has an fd closed when a thread ends, and finds out whether one more could start. */
import type { NativeBuffer } from './structs/native-buffer.ts';

/** Makes a function of libc from its signature. */
type FindCall = (signature: string) => (...args: (number | bigint | string)[]) => number;

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
  const close = addressOf(find, 'close');
  const created = find('int pthread_key_create(void *, uintptr_t)')(memory.address, close);
  const key = memory.bytes.readUInt32LE(0);
  // A value of 0 is none.
  if (created !== 0 || fd === 0) return () => {};
  find('int pthread_setspecific(unsigned int, uintptr_t)')(key, fd);
  return () => void find('int pthread_key_delete(unsigned int)')(key);
}

/*
 * No file says it: a user's limit counts the threads of all processes of that user, and a control group has a limit of its
 * own. What a thread runs is a function of libc that takes nothing; pthread_create(3) returns an errno.
 */

/** Whether the system starts one more thread for this process: it starts one. `memory`, eight bytes or more, is for its name. */
export function canStartThread(find: FindCall, memory: NativeBuffer): boolean {
  const nothing = addressOf(find, 'sched_yield');
  const start = find('int pthread_create(void *, uintptr_t, uintptr_t, uintptr_t)');
  if (start(memory.address, 0, nothing, 0) !== 0) return false;
  find('int pthread_join(uintptr_t, uintptr_t)')(memory.bytes.readBigUInt64LE(0), 0);
  return true;
}

function addressOf(find: FindCall, name: string): number {
  return find('uintptr_t dlsym(uintptr_t, str)')(ANYWHERE, name);
}
