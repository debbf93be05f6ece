/** Forms the replies at the control socket, and reads what is asked there. */
import type { IncomingMessage } from 'node:http';
import { escapeJson } from '../../log/escape.ts';
import type { Reply } from '../reply.ts';
import { bodyOf } from '../request-body.ts';

const MAX_BODY_BYTES = 16 * 1024;

const JSON_TYPE = 'application/json; charset=utf-8';
const LINES_TYPE = 'application/x-ndjson; charset=utf-8';

/** Why a request is refused, as JSON. */
export function refusal(status: number, message: string): Reply {
  return { status, text: jsonLine({ error: { message } }), type: JSON_TYPE };
}

/** One line that a terminal shows and does not act upon, whatever text of a client is in it. */
function jsonLine(value: unknown): string {
  return `${escapeJson(JSON.stringify(value))}\n`;
}

export function json(value: unknown): Reply {
  return { status: 200, text: jsonLine(value), type: JSON_TYPE };
}

export function lines(items: AsyncIterable<unknown> | Iterable<unknown>): Reply {
  return { status: 200, lines: textOf(items), type: LINES_TYPE };
}

async function* textOf(items: AsyncIterable<unknown> | Iterable<unknown>): AsyncGenerator<string> {
  for await (const item of items) yield jsonLine(item);
}

/**
 * The reply to an action, by the fields of its request. `name`: what the action is called. A page of another site can send no JSON without
 * asking first, and nobody answers that here (CSRF).
 */
export async function action(
  request: IncomingMessage,
  name: string,
  reply: (fields: Readonly<Record<string, unknown>>) => Reply | Promise<Reply>,
): Promise<Reply> {
  if (request.method !== 'POST') return refusal(405, `${name} is POST`);
  const isJson = /^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '');
  if (!isJson) return refusal(415, `${name} takes application/json`);
  const body = await bodyOf(request, MAX_BODY_BYTES);
  return body === undefined ? refusal(413, `A request has at most ${MAX_BODY_BYTES} bytes`) : reply(parseJson(body));
}

function parseJson(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw new RangeError('The request is no JSON object');
}

/** A name that is misspelt must not be passed over: all clients would be chosen. */
export function refuseOthers(names: Iterable<string>, known: readonly string[]): void {
  for (const name of names)
    if (!known.includes(name))
      throw new RangeError(`${JSON.stringify(name)} is nothing to ask with: take ${known.join(', ')}`);
}

export function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,9}$/.test(text))
    throw new RangeError(`${name} is a number of at most 9 digits, not ${JSON.stringify(text)}`);
  return Number(text);
}
