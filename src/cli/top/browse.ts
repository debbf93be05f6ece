/** Lays out what `heddle top` shows beside threads: clients, one client, those that left, code that blocked, and the keys. */
import type { ClosedClient } from '../../admin/control/closed-clients.ts';
import type { ListedClient } from '../../admin/control/client-list.ts';
import type { NumberedEvent } from '../../admin/control/recent-events.ts';
import { bytesText } from '../../admin/view/amounts.ts';
import { durationText, placeText } from '../../admin/words.ts';
import { eventText } from '../control/event-text.ts';
import { type Line, wrap } from './line.ts';
import { markText, table } from './tables.ts';

const CLIENT_WIDTH = 10;

export function clientLines(clients: readonly ListedClient[], cursor: number | undefined): Line[] {
  return table<ListedClient>(
    [
      {
        title: 'CLIENT',
        width: CLIENT_WIDTH,
        isNumber: true,
        text: ({ id }) => markText(`#${id}`, CLIENT_WIDTH, id === cursor),
        style: ({ id }) => (id === cursor ? 'bold' : 'plain'),
      },
      { title: 'ADDRESS', width: 21, text: (client) => placeText(client) },
      { title: 'THREAD', width: 6, isNumber: true, text: ({ thread }) => (thread === 0 ? 'waits' : `${thread}`) },
      { title: 'IDLE', width: 7, isNumber: true, text: ({ idleMs }) => timeText(idleMs) },
      { title: 'MOVES', width: 5, isNumber: true, text: ({ moves }) => `${moves}` },
      { title: 'STATE', text: ({ pinned, state }) => (pinned === undefined ? state : `${state} (${pinned})`) },
    ],
    clients,
  );
}

export function leftLines(clients: readonly ClosedClient[]): Line[] {
  return table<ClosedClient>(
    [
      { title: 'CLIENT', width: CLIENT_WIDTH, isNumber: true, text: ({ id }) => `#${id}` },
      { title: 'LEFT AT', width: 8, text: ({ closedAt }) => new Date(closedAt).toTimeString().slice(0, 8) },
      { title: 'ADDRESS', width: 21, text: (client) => placeText(client) },
      { title: 'REASON', text: ({ detail = '', reason }) => `${reason}${detail === '' ? '' : `: ${detail}`}` },
    ],
    clients,
  );
}

const TIME_WIDTH = 10;

/** What has happened, the newest first. */
export function eventLines(events: readonly NumberedEvent[], columns: number): Line[] {
  if (events.length === 0) return [[['Nothing has happened yet that the log would tell of.', 'dim']]];
  return events.toReversed().flatMap((event) => {
    const time = new Date(event.time).toTimeString().slice(0, 8).padEnd(TIME_WIDTH);
    const [text = ''] = eventText(event).split('\n', 1); // The rest is where in the code it was.
    return wrap(text, columns - TIME_WIDTH).map(
      (line, at): Line => [[at === 0 ? time : ' '.repeat(TIME_WIDTH), 'dim'], [line]],
    );
  });
}

/** All that is known of one client. */
export function detailLines(client: ListedClient): Line[] {
  const { ageMs, cost, id, idleMs, kept, messageMs, moves, pinned, stalledMs, state, thread } = client;
  const rows: readonly (readonly [name: string, text: string | undefined])[] = [
    ['client', `#${id}`],
    ['address', placeText(client)],
    ['thread', thread === 0 ? 'waits for one' : `${thread}`],
    ['state', state],
    ['pinned by', pinned],
    ['connected', ageMs === undefined ? undefined : `for ${durationText(ageMs)}`],
    ['idle', idleMs === undefined ? undefined : `for ${durationText(idleMs)}`],
    ['message', messageMs === undefined ? undefined : `begun ${durationText(messageMs)} ago, not complete`],
    ['reads', stalledMs === undefined ? undefined : `nothing for ${durationText(stalledMs)}`],
    ['kept', kept === 0 ? 'nothing' : bytesText(kept)],
    ['moves', `${moves}`],
    ['cost', cost],
  ];
  return rows.flatMap(([name, text]) =>
    text === undefined ? [] : [[[name.padEnd(12), 'dim'] as const, [text] as const]],
  );
}

const KEYS = [
  ['t c l e g', 'threads, clients, longest turns, events, clients that have gone'],
  ['↑ ↓', 'move the cursor; rows keep their order meanwhile'],
  ['enter', 'the clients of a thread; all of a client'],
  ['p', 'what a thread spends its time on: a profile of 2 s'],
  ['esc', 'back'],
  ['/', 'find clients: #88213, 10.0.0.0/8, idle>1m and thread=3'],
  ['s', 'sort clients by something else, and let rows change their order'],
  ['K', 'kick the client with the cursor; asks first'],
  ['space', 'pause, or go on'],
  ['q', 'quit'],
] as const;

/** Keys that do something to the server. */
const ACTIONS: ReadonlySet<string> = new Set(['p', 'K']);

export function helpLines(mayAct: boolean): Line[] {
  const shown = KEYS.filter(([key]) => mayAct || !ACTIONS.has(key));
  return shown.map(([key, text]): Line => [[key.padEnd(10), 'bold'], [text]]);
}

function timeText(ms: number | undefined): string {
  return ms === undefined ? '–' : durationText(ms);
}
