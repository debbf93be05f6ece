/** Asks a server for what is shown of it, once or again and again. */
import type { Agent } from 'node:http';
import type { Seen } from '../../admin/control/watching.ts';
import type { Sample } from '../../admin/view/sample.ts';
import { askJson, askLines, known } from './ask.ts';

/** So many of the clients that wait longest are asked for. */
const WAITING = 50;

/** `agent` keeps the connection for the next sample. Errors: those of `askJson`. */
export async function takeSample(socket: string, agent: Agent): Promise<Sample> {
  const answer = await askJson(socket, `/v1/watch?waiting=${WAITING}`, { agent });
  const { sample } = answer as Seen & { readonly sample: Sample };
  return sample;
}

export interface WatchOptions {
  readonly everyMs: number;
  /** How many clients' places are told. */
  readonly places: number;
  readonly signal: AbortSignal;
}

/** How the server changes, looked at every `everyMs`, until the server or `signal` ends that. Errors: those of `askJson`. */
export async function* watchServer(socket: string, { everyMs, places, signal }: WatchOptions): AsyncGenerator<Seen> {
  const path = `/v1/watch?every=${everyMs}ms&waiting=${WAITING}&places=${places}`;
  for await (const line of askLines(socket, path, { pauseMs: everyMs, signal })) yield known(line) as Seen;
}
