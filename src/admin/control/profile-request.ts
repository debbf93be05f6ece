/** Answers who asks for a CPU profile of threads. */
import type { IncomingMessage } from 'node:http';
import type { ThreadProfile } from '../stacks/profiler.ts';
import type { Reply } from '../reply.ts';
import type { Controlled } from './controlled.ts';
import { json, lines, refusal, refuseOthers } from './replies.ts';

export const SHORTEST_PROFILE_MS = 100;
export const LONGEST_PROFILE_MS = 60_000;
const DEFAULT_MS = 1_000;

const FIELDS: readonly string[] = ['ms'];

/** Of one thread, the reply is a `.cpuprofile`; of all, a line of JSON for each. It is given once all of it is there. */
export async function profileReply(
  { socket }: IncomingMessage,
  threads: string,
  fields: Readonly<Record<string, unknown>>,
  controlled: Controlled,
): Promise<Reply> {
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  const request = { threads: threadsIn(threads), ms: msIn(fields), signal: gone.signal };
  socket.once('close', leave);
  try {
    const profiles = await controlled.profile(request);
    return request.threads === 'all' ? lines(profiles) : single(profiles[0] as ThreadProfile);
  } finally {
    socket.off('close', leave);
  }
}

function single(profiled: ThreadProfile): Reply {
  if ('profile' in profiled) return json(profiled.profile);
  return refusal(503, `There is no profile of thread ${profiled.thread}. ${profiled.problem}`);
}

function threadsIn(text: string): number | 'all' {
  if (text === 'all') return text;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new RangeError(
    `A thread is named by its number, such as 3, or all of them by all, not ${JSON.stringify(text)}`,
  );
}

function msIn(fields: Readonly<Record<string, unknown>>): number {
  refuseOthers(Object.keys(fields), FIELDS);
  const { ms = DEFAULT_MS } = fields;
  if (typeof ms === 'number' && ms >= SHORTEST_PROFILE_MS && ms <= LONGEST_PROFILE_MS) return ms;
  throw new RangeError(`ms is how long threads are profiled, from ${SHORTEST_PROFILE_MS} to ${LONGEST_PROFILE_MS}`);
}
