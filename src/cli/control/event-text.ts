/** Says in words what has happened in a server, as its log does. */
import { escapeText } from '../../log/escape.ts';
import type { ServerEvent } from '../../log/event.ts';
import { textLine } from '../../log/text-line.ts';

/** An event that the log has no line for is told by its name and its fields. It may be of a newer server. */
export function eventText(event: ServerEvent): string {
  try {
    const line = textLine(event, 'plain');
    if (line !== undefined) return line.text;
  } catch {
    // It has another form than this version knows.
  }
  const fields = Object.entries(event).filter(([name]) => name !== 'type' && name !== 'time' && name !== 'seq');
  return escapeText([event.type, ...fields.map(([name, value]) => `${name} ${JSON.stringify(value)}`)].join(' '));
}
