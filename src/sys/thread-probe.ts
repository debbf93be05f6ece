/** Finds out whether the system would start one more thread for this process, by starting one that does nothing. */
import type { FindCall } from './thread-end.ts';
import type { NativeBuffer } from './structs/native-buffer.ts';

/** RTLD_DEFAULT of dlsym(3). */
const ANYWHERE = 0;

/*
 * No file says it: a user's limit counts the threads of all processes of that user, and a control group has a limit of its
 * own. What a thread runs is a function of libc that takes nothing; pthread_create(3) returns an errno.
 */

/** `memory`, eight bytes or more, is for the thread's name. */
export function canStartThread(find: FindCall, memory: NativeBuffer): boolean {
  const nothing = find('uintptr_t dlsym(uintptr_t, str)')(ANYWHERE, 'sched_yield');
  const start = find('int pthread_create(void *, uintptr_t, uintptr_t, uintptr_t)');
  if (start(memory.address, 0, nothing, 0) !== 0) return false;
  find('int pthread_join(uintptr_t, uintptr_t)')(memory.bytes.readBigUInt64LE(0), 0);
  return true;
}
