/** Counts the memory that is kept for one client. */
import type { Input } from './input.ts';
import type { Lease } from './lease.ts';
import type { Output } from './output.ts';

/** A connection for which memory is kept. */
export interface Keeping {
  readonly input: Input;
  readonly output: Output;
  readonly lease: Pick<Lease, 'noteKept'>;
  /** What the service keeps with the client. */
  readonly kept: { readonly allocated: number } | undefined;
}

/** Says how many bytes are kept for the client. */
export function keptFor({ input, kept, output }: Keeping): number {
  return input.allocated + output.allocated + (kept === undefined ? 0 : kept.allocated);
}

/** Writes it down, where it may have changed. */
export function noteKept(connection: Keeping): void {
  const { input, lease, output } = connection;
  lease.noteKept(keptFor(connection), input.allocatedHere + output.allocatedHere);
}
