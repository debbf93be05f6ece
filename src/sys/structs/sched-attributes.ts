/** Lays out `struct sched_attr` for sched_setattr and sched_getattr, to change a thread's nice value and slice. */
import type { NativeBuffer } from './native-buffer.ts';

// Neither has a wrapper in libc; their numbers are the architecture's (<asm/unistd.h>).
export const SCHED_SETATTR = process.arch === 'x64' ? 314 : 274;
export const SCHED_GETATTR = SCHED_SETATTR + 1;

// The struct's first version; see sched_setattr(2).
const SIZE_BYTES = 48;
const NICE_AT = 16;
const RUNTIME_AT = 24;
const LOWEST_NICE = -20;
const HIGHEST_NICE = 19;

export class SchedAttributes {
  readonly memory: NativeBuffer;

  constructor(allocate: (size: number) => NativeBuffer) {
    this.memory = allocate(SIZE_BYTES);
  }

  /** False: there would be no such nice value. */
  addNice(amount: number): boolean {
    const nice = this.memory.bytes.readInt32LE(NICE_AT) + amount;
    if (nice < LOWEST_NICE || nice > HIGHEST_NICE) return false;
    this.memory.bytes.writeInt32LE(nice, NICE_AT);
    return true;
  }

  /** The slice of a thread that has no policy of its own; from Linux 6.12 on. */
  setSlice(nanoseconds: number): void {
    this.memory.bytes.writeBigUInt64LE(BigInt(nanoseconds), RUNTIME_AT);
  }
}
