/** Writes events as text for the event ring, and reads them back. */
import type { CloseEvent, OpenEvent, ServerEvent } from './event.ts';

/*
 * Nearly all events say that a client came or went. Those have a short form, fields with a space between them: it costs a quarter of
 * what JSON costs, on a thread that serves clients and on main. All other events are JSON, which begins with a brace.
 */

const OPEN = 'o';
const CLOSE = 'c';

export function encodeEvent(event: ServerEvent): string {
  if (event.type === 'open') return `${OPEN} ${client(event)}`;
  if (event.type === 'close' && event.detail === undefined) return `${CLOSE} ${client(event)} ${event.reason}`;
  return JSON.stringify(event);
}

export function decodeEvent(text: string): ServerEvent {
  if (text.startsWith('{')) return JSON.parse(text) as ServerEvent;
  const [kind, time, id, address, port, thread, reason] = text.split(' ');
  const about = {
    time: Number(time),
    client: Number(id),
    address: address as string,
    port: Number(port),
    thread: Number(thread),
  };
  return kind === OPEN
    ? { type: 'open', ...about }
    : { type: 'close', ...about, reason: reason as CloseEvent['reason'] };
}

/** An address has no space in it. */
function client({ time, client: id, address, port, thread }: OpenEvent | CloseEvent): string {
  return `${time} ${id} ${address} ${port} ${thread}`;
}
