/** Says of each thread what it does, and how much, from two snapshots. */
import type { SnapshotThread } from '../control/snapshot.ts';
import type { BlockedThread } from '../observed.ts';

export interface ThreadView {
  readonly id: number;
  readonly state: 'serving' | 'blocked';
  readonly clients: number;
  /** Messages a second; left out until there are two snapshots. */
  readonly messages?: number;
  /** The share of a CPU that the thread used, from 0 to 1; left out where that is not known. */
  readonly cpu?: number;
  /** The share of the time that it was ready and had no CPU. */
  readonly delay?: number;
  readonly block?: BlockedThread;
}

/** `ms`: the time between the two snapshots; 0: there is no earlier one. */
export function threadViews(
  now: readonly SnapshotThread[],
  before: readonly SnapshotThread[],
  ms: number,
): ThreadView[] {
  const earlier = new Map(before.map((thread) => [thread.id, thread]));
  return now.map((thread) => threadView(thread, earlier.get(thread.id), ms));
}

function threadView(now: SnapshotThread, before: SnapshotThread | undefined, ms: number): ThreadView {
  const { block, clients, id } = now;
  const messages = increase(now.messages, before?.messages, ms);
  const [cpu, delay] = [increase(now.cpuMs, before?.cpuMs, ms), increase(now.runDelayMs, before?.runDelayMs, ms)];
  return {
    id,
    state: block === undefined ? 'serving' : 'blocked',
    clients,
    ...(messages !== undefined && { messages: messages * 1000 }),
    ...(cpu !== undefined && { cpu: Math.min(1, cpu) }),
    ...(delay !== undefined && { delay: Math.min(1, delay) }),
    ...(block !== undefined && { block }),
  };
}

export function withBlock(thread: ThreadView, block: BlockedThread | undefined): ThreadView {
  if (block !== undefined) return { ...thread, state: 'blocked', block };
  const { block: over, ...rest } = thread;
  return over === undefined ? thread : { ...rest, state: 'serving' };
}

/** By how much a counter has risen in each ms; `undefined`: that is not known. One that is lower than before belongs to a new thread. */
export function increase(now: number | undefined, before: number | undefined, ms: number): number | undefined {
  if (now === undefined || before === undefined || ms <= 0) return undefined;
  return (now < before ? now : now - before) / ms;
}
