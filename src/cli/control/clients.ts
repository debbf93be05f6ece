/** Runs `heddle clients`: lists the clients of a server, or those that left last, with their reasons. */
import type { ClosedClient } from '../../admin/control/closed-clients.ts';
import type { ListedClient } from '../../admin/control/client-list.ts';
import { countText, durationText, placeText } from '../../admin/words.ts';
import { escapeJson, escapeText } from '../../log/escape.ts';
import { formatSize } from '../../options/values/size.ts';
import { print, type Terminal } from '../terminal.ts';
import { askLines } from './ask.ts';
import { findServer } from './find-server.ts';
import { type Column, tableLines } from './table.ts';

export interface ClientsFlags {
  readonly closed?: boolean;
  readonly where?: string;
  readonly sort?: string;
  readonly limit?: string;
  readonly json?: boolean;
}

const DEFAULT_LIMIT = '100';

const OPEN: readonly Column<ListedClient>[] = [
  { title: 'CLIENT', isNumber: true, text: ({ id }) => `#${id}` },
  { title: 'ADDRESS', text: (client) => placeText(client) },
  { title: 'THREAD', isNumber: true, text: ({ thread }) => `${thread}` },
  { title: 'STATE', text: ({ pinned, state }) => (pinned === undefined ? state : `${state} (${pinned})`) },
  { title: 'AGE', isNumber: true, text: ({ ageMs }) => timeText(ageMs) },
  { title: 'IDLE', isNumber: true, text: ({ idleMs }) => timeText(idleMs) },
  { title: 'KEPT', isNumber: true, text: ({ kept }) => (kept === 0 ? '–' : formatSize(kept)) },
  { title: 'MOVES', isNumber: true, text: ({ moves }) => `${moves}` },
  { title: 'NOTE', text: noteOf },
];

const CLOSED: readonly Column<ClosedClient>[] = [
  { title: 'CLIENT', isNumber: true, text: ({ id }) => `#${id}` },
  { title: 'ADDRESS', text: (client) => placeText(client) },
  { title: 'THREAD', isNumber: true, text: ({ thread }) => `${thread}` },
  { title: 'LEFT AT', text: ({ closedAt }) => new Date(closedAt).toISOString() },
  { title: 'REASON', text: ({ reason }) => reason },
  { title: 'BY', text: ({ by }) => by },
  { title: 'DETAIL', text: ({ detail = '' }) => escapeText(detail) },
];

/** Gives the exit status. */
export async function runClients(
  target: string | undefined,
  { closed = false, json = false, limit = DEFAULT_LIMIT, sort, where }: ClientsFlags,
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
): Promise<number> {
  const query = new URLSearchParams({
    limit,
    ...(closed && { state: 'closed' }),
    ...(where !== undefined && { where }),
    ...(sort !== undefined && { sort }),
  });
  const lines = askLines(await findServer(target, environment), `/v1/clients?${query.toString()}`);
  if (json) {
    for await (const client of lines) await print(terminal, `${escapeJson(JSON.stringify(client))}\n`);
    return 0;
  }
  const found: unknown[] = [];
  for await (const client of lines) found.push(client);
  const table = closed ? tableLines(CLOSED, found as ClosedClient[]) : tableLines(OPEN, found as ListedClient[]);
  await print(terminal, `${found.length === 0 ? 'No client' : table.join('\n')}\n`);
  if (found.length === Number(limit))
    await print(terminal, `${countText(found.length, 'client')} shown; for more: --limit\n`);
  return 0;
}

function timeText(ms: number | undefined): string {
  return ms === undefined ? '–' : durationText(ms);
}

function noteOf({ cost, messageMs, stalledMs }: ListedClient): string {
  const notes = [
    cost === 'light' || cost === 'newcomer' ? undefined : `expensive (${cost})`,
    messageMs === undefined ? undefined : `message begun ${durationText(messageMs)} ago`,
    stalledMs === undefined ? undefined : `has not read for ${durationText(stalledMs)}`,
  ];
  return notes.filter((note) => note !== undefined).join(', ');
}
