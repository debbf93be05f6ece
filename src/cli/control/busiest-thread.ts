/** Chooses the thread that somebody wants to see who names none: the one that is blocked, or else the busiest. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Snapshot, SnapshotThread } from '../../admin/control/snapshot.ts';
import { amountText, shareText } from '../../admin/view/amounts.ts';
import { clientText, durationText } from '../../admin/words.ts';
import { HeddleError } from '../../errors.ts';
import { askJson } from './ask.ts';

/** How long it is looked which thread is the busiest, in ms. */
const LOOK_MS = 250;

/** A thread, and why it is the one. */
export interface Chosen {
  readonly thread: number;
  readonly why: string;
}

/** Errors: those of `askJson`. */
export async function busiestThread(socket: string): Promise<Chosen> {
  const before = (await askJson(socket, '/v1/snapshot')) as Snapshot;
  const blocked = blockedIn(before);
  if (blocked !== undefined) return blocked;
  await delay(LOOK_MS);
  const after = (await askJson(socket, '/v1/snapshot')) as Snapshot;
  const chosen = blockedIn(after) ?? busiestIn(before, after);
  if (chosen !== undefined) return chosen;
  throw new HeddleError('HEDDLE_CONNECT', 'No thread of the server serves now. Ask again');
}

/** The thread that has been blocked longest. */
export function blockedIn({ threads }: Pick<Snapshot, 'threads'>): Chosen | undefined {
  const [longest] = threads
    .filter(({ blockedMs }) => blockedMs > 0)
    .sort((one, other) => other.blockedMs - one.blockedMs);
  if (longest === undefined) return undefined;
  const { block, blockedMs, id } = longest;
  const client = block?.client === undefined ? '' : ` by ${clientText(block.client)}`;
  return { thread: id, why: `it has been blocked for ${durationText(blockedMs)}${client}` };
}

/** The thread that has used most of a CPU, or where no clock says, that has served most messages. */
export function busiestIn(
  before: Pick<Snapshot, 'threads' | 'time'>,
  { threads, time }: Pick<Snapshot, 'threads' | 'time'>,
): Chosen | undefined {
  const earlier = new Map(before.threads.map((thread) => [thread.id, thread]));
  const passedMs = Math.max(1, time - before.time);
  const rated = threads.map((thread) => ({ thread, ...ratesOf(thread, earlier.get(thread.id), passedMs) }));
  rated.sort((one, other) => other.cpu - one.cpu || other.messages - one.messages);
  const [busiest] = rated;
  if (busiest === undefined) return undefined;
  const { cpu, messages, thread } = busiest;
  const share = thread.cpuMs === undefined ? `${amountText(messages)} messages/s` : `${shareText(cpu)} of a CPU`;
  return { thread: thread.id, why: `it is the busiest, with ${share}` };
}

/** Of a second. A thread that was not there has done all since. */
function ratesOf(
  thread: SnapshotThread,
  before: SnapshotThread | undefined,
  passedMs: number,
): { readonly cpu: number; readonly messages: number } {
  const cpu = ((thread.cpuMs ?? 0) - (before?.cpuMs ?? 0)) / passedMs;
  return { cpu, messages: ((thread.messages - (before?.messages ?? 0)) * 1000) / passedMs };
}
