/** Runs `heddle events`: prints what has happened in a server, and what goes on happening. */
import type { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { NumberedEvent } from '../../admin/control/recent-events.ts';
import { countText } from '../../admin/words.ts';
import { escapeJson } from '../../log/escape.ts';
import { withTimestamp } from '../../log/timestamps.ts';
import { print, type Terminal } from '../terminal.ts';
import { all, askLines } from './ask.ts';
import { eventText } from './event-text.ts';
import { findServer } from './find-server.ts';

export interface EventsFlags {
  readonly follow?: boolean;
  readonly json?: boolean;
}

/** How often somebody who follows asks, in ms. */
const AGAIN_MS = 500;

/** Gives the exit status. Errors: `HEDDLE_CONNECT` and `HEDDLE_TIMEOUT` if there is no server, or none any more. */
export async function runEvents(
  target: string | undefined,
  { follow = false, json = false }: EventsFlags,
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
): Promise<number> {
  const socket = await findServer(target, environment);
  const textOf = (event: NumberedEvent): string =>
    json ? escapeJson(JSON.stringify(event)) : withTimestamp(eventText(event), event.time);
  let last: number | undefined;
  for (;;) {
    const events = await eventsAfter(socket, last ?? 0);
    const missing = last === undefined ? 0 : (events[0]?.seq ?? 0) - last - 1;
    if (missing > 0) terminal.stderr.write(`${countText(missing, 'event')} came too fast to be shown here\n`);
    for (const event of events) await print(terminal, `${textOf(event)}\n`);
    if (!follow || !terminal.stdout.writable) return 0;
    last = events.at(-1)?.seq ?? last ?? 0;
    await delay(AGAIN_MS);
  }
}

/** The events that the server remembers after number `seq`, the oldest first. Errors: those of `askJson`. */
export async function eventsAfter(socket: string, seq: number, agent?: Agent): Promise<readonly NumberedEvent[]> {
  return (await all(askLines(socket, `/v1/events?after=${seq}`, { agent }))) as NumberedEvent[];
}
