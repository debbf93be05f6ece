/** Ends the process though a thread of it is in a system call. */
import { openLibc } from '../sys/libc.ts';

/**
 * Ends the process with `status`, at once. `process.exit()` waits for all threads, and one that is in a system call hears of nothing.
 * Where libc cannot be called, the kernel ends the process by a signal, and the status says so.
 */
export function endProcess(status: number): void {
  try {
    openLibc().exit(status);
  } catch {
    process.kill(process.pid, 'SIGKILL');
  }
}
