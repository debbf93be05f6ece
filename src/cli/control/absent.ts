/** Says why numbers named no client that could be kicked: the client has left, or no client is known by that number. */
import type { ClosedClient } from '../../admin/control/closed-clients.ts';
import { clientText } from '../../admin/words.ts';
import { askLines } from './ask.ts';

export type Absent =
  | (Pick<ClosedClient, 'id' | 'address' | 'port' | 'closedAt' | 'reason' | 'by'> & { readonly result: 'left' })
  | { readonly id: number; readonly result: 'unknown' };

/** What is known of each number. It asks once, however many there are. Errors: those of `askLines`. */
export async function absentOf(socket: string, ids: readonly number[]): Promise<Absent[]> {
  if (ids.length === 0) return [];
  const where = `id>=${Math.min(...ids)} and id<=${Math.max(...ids)}`;
  const left = new Map<number, ClosedClient>();
  const query = new URLSearchParams({ state: 'closed', where });
  for await (const line of askLines(socket, `/v1/clients?${query.toString()}`)) {
    const client = line as ClosedClient;
    left.set(client.id, client);
  }
  return ids.map((id) => absent(id, left.get(id)));
}

function absent(id: number, client: ClosedClient | undefined): Absent {
  if (client === undefined) return { id, result: 'unknown' };
  const { address, by, closedAt, port, reason } = client;
  return { id, address, port, result: 'left', closedAt, reason, by };
}

export function absentText(client: Absent): string {
  if (client.result === 'unknown')
    return `client #${client.id}: no client has this number, and none of those that left last had it`;
  return `${clientText(client)}: left at ${new Date(client.closedAt).toISOString()}, ${client.reason} (${client.by})`;
}
