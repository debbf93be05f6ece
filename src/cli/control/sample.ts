/** Asks a server for what is shown of it. */
import type { Snapshot } from '../../admin/control/snapshot.ts';
import type { WaitingClient } from '../../admin/control/waiting.ts';
import type { Sample } from '../../admin/view/sample.ts';
import { askJson } from './ask.ts';

/** So many of the clients that wait longest are asked for. */
const WAITING = 50;

/** Errors: those of `askJson`. */
export async function takeSample(socket: string): Promise<Sample> {
  const [snapshot, waiting] = await Promise.all([
    askJson(socket, '/v1/snapshot'),
    askJson(socket, `/v1/waiting?limit=${WAITING}`),
  ]);
  const { clients } = waiting as { readonly clients: readonly WaitingClient[] };
  return { snapshot: snapshot as Snapshot, waiting: clients };
}
