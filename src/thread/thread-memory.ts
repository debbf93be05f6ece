/** Makes the memory that a thread reads into. It is WebAssembly's, so that sixteen bytes at a time can be worked on. */
import type { MessageMemory } from '../connection/service.ts';
import { type FindByte, findByte, findByteIn } from '../framing/search.ts';

/** Room for one read: what a socket holds of 64-byte messages of a thousand pipelining clients. */
const READ_SIZE_BYTES = 64 * 1024;

/** 1 MiB: the first two are used here, the others are the service's. Only what is written takes memory. */
const PAGES = 16;

export interface ThreadMemory {
  /** Where reads go. */
  readonly input: Buffer;
  /** Where a message is put that is borrowed and was not read into `input`. */
  readonly aside: Buffer;
  /** Finds a byte, in `input` at its best. */
  readonly findByte: FindByte;
  /** All of it, for the service; `undefined` where it is not WebAssembly's. */
  readonly whole: MessageMemory | undefined;
}

/**
 * Makes the memory of a thread. It is ordinary memory, which is searched as any other, where Node has no WebAssembly (`--jitless`),
 * the CPU no vectors of 16 bytes (x64 before SSE4.1), or the process no addresses to spare (`ulimit -v`: Node reserves 10 GiB).
 */
export function makeThreadMemory(): ThreadMemory {
  try {
    // It cannot grow: growing takes a memory away from all views of it.
    const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
    const parts = partsOf(memory.buffer);
    return { ...parts, findByte: findByteIn(memory, parts.input), whole: memory };
  } catch {
    return { ...partsOf(new ArrayBuffer(2 * READ_SIZE_BYTES)), findByte, whole: undefined };
  }
}

function partsOf(buffer: ArrayBuffer): Pick<ThreadMemory, 'input' | 'aside'> {
  return {
    input: Buffer.from(buffer, 0, READ_SIZE_BYTES),
    aside: Buffer.from(buffer, READ_SIZE_BYTES, READ_SIZE_BYTES),
  };
}
