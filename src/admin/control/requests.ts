/** Answers what the commands ask at the control socket: snapshot, clients, doctor, kick. */
import type { IncomingMessage } from 'node:http';
import { escapeJson } from '../../log/escape.ts';
import { parseDuration } from '../../options/values/duration.ts';
import { type ClientFilter, parseFilter } from './client-filter.ts';
import type { Found } from './client-list.ts';
import type { Controlled } from './controlled.ts';
import { type Crowd, findings } from './doctor.ts';
import { kick, type KickRequest } from './kick.ts';
import type { Reply } from '../reply.ts';
import { bodyOf } from '../request-body.ts';
import { placesOf } from './places.ts';
import { SCHEMA, snapshotOf } from './snapshot.ts';
import { longestWaiting } from './waiting.ts';
import { watching, type WatchRequest } from './watching.ts';

const MAX_BODY_BYTES = 16 * 1024;
/** A client that has read nothing for this long does not read, in ms. */
const NOT_READING_MS = 1000;

/** How many clients are shown that wait, and how many places, at most. */
const MAX_WAITING = 100;
const MAX_PLACES = 1024;

/** What clients can be sorted by, the largest first. */
const SORTS = {
  age: 'ageMs',
  id: 'id',
  idle: 'idleMs',
  kept: 'kept',
  moves: 'moves',
  stalled: 'stalledMs',
  thread: 'thread',
} as const;

const JSON_TYPE = 'application/json; charset=utf-8';
const LINES_TYPE = 'application/x-ndjson; charset=utf-8';

/** Why a request is refused, as JSON. */
export function refusal(status: number, message: string): Reply {
  return { status, text: jsonLine({ error: { message } }), type: JSON_TYPE };
}

/** The reply to a request at `path`; `undefined`: there is nothing. Throws a `RangeError` for a question that is none. */
export async function controlReply(request: IncomingMessage, controlled: Controlled): Promise<Reply | undefined> {
  const { pathname: path, searchParams: query } = new URL(request.url ?? '', 'http://localhost');
  if (path === '/v1/kick')
    return request.method === 'POST' ? kicked(request, controlled) : refusal(405, 'Kick is POST');
  if (request.method === 'POST') return undefined;
  if (path === '/v1/snapshot') return json(snapshotOf(controlled));
  if (path === '/v1/doctor')
    return json({ schema: SCHEMA, findings: findings(controlled.observe(), await crowdOf(controlled)) });
  if (path === '/v1/waiting')
    return json({ schema: SCHEMA, clients: await longestWaiting(controlled, limitOf(query, MAX_WAITING)) });
  if (path === '/v1/places') return json({ schema: SCHEMA, places: placesOf(controlled, limitOf(query, MAX_PLACES)) });
  if (path === '/v1/watch') return lines(watching(controlled, watchRequest(query)));
  if (path === '/v1/clients') return clients(query, controlled);
  const [, id] = /^\/v1\/clients\/([^/]*)$/.exec(path) ?? [];
  return id === undefined ? undefined : client(clientId(id), controlled);
}

/** One line that a terminal shows and does not act upon, whatever text of a client is in it. */
function jsonLine(value: unknown): string {
  return `${escapeJson(JSON.stringify(value))}\n`;
}

function json(value: unknown): Reply {
  return { status: 200, text: jsonLine(value), type: JSON_TYPE };
}

function lines(items: AsyncIterable<unknown> | Iterable<unknown>): Reply {
  return { status: 200, lines: textOf(items), type: LINES_TYPE };
}

async function* textOf(items: AsyncIterable<unknown> | Iterable<unknown>): AsyncGenerator<string> {
  for await (const item of items) yield jsonLine(item);
}

function clientId(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new RangeError(`A client is named by its number, such as 88213, not by ${JSON.stringify(text)}`);
}

function client(id: number, { clients: list, closed }: Controlled): Reply {
  const fd = list.find(id);
  const known = (fd === undefined ? undefined : list.at(fd)) ?? closed.find(id);
  if (known !== undefined) return json(known);
  return refusal(404, `No client has the number ${id}, and none of those that left last had it`);
}

/** What a list of clients may be asked for. */
const LIST_QUERY: readonly string[] = ['where', 'limit', 'sort', 'state'];

/** Answers at once if they need not be sorted: a list of all takes no memory. */
function clients(query: URLSearchParams, controlled: Controlled): Reply {
  refuseOthers(query.keys(), LIST_QUERY);
  const [state, sort] = [query.get('state') ?? 'open', query.get('sort')];
  if (state !== 'open' && state !== 'closed')
    throw new RangeError(
      `state is open or closed, not ${JSON.stringify(state)}. For clients that are idle: where=state=idle`,
    );
  const filter = parseFilter(query.get('where') ?? '', state);
  const limit = numberOf(query, 'limit') ?? Infinity;
  if (state === 'closed') {
    if (sort !== null)
      throw new RangeError('Clients that have left are listed as they left, the last one first: leave out sort');
    return lines(controlled.closed.list().filter(filter).slice(0, limit));
  }
  if (sort === null) return lines(first(chosen(controlled, filter), limit));
  if (!Object.hasOwn(SORTS, sort))
    throw new RangeError(`sort is one of ${Object.keys(SORTS).join(', ')}, not ${JSON.stringify(sort)}`);
  return lines(sorted(chosen(controlled, filter), SORTS[sort as keyof typeof SORTS], limit));
}

/** A name that is misspelt must not be passed over: all clients would be chosen. */
function refuseOthers(names: Iterable<string>, known: readonly string[]): void {
  for (const name of names)
    if (!known.includes(name))
      throw new RangeError(`${JSON.stringify(name)} is nothing to ask with: take ${known.join(', ')}`);
}

async function* chosen({ clients: list }: Controlled, filter: ClientFilter): AsyncGenerator<Found['client']> {
  for await (const slice of list.all()) for (const { client: each } of slice) if (filter(each)) yield each;
}

async function* first<T>(items: AsyncIterable<T>, limit: number): AsyncGenerator<T> {
  let left = limit;
  if (left <= 0) return;
  for await (const item of items) {
    yield item;
    if (--left <= 0) return;
  }
}

async function* sorted(
  items: AsyncIterable<Found['client']>,
  field: (typeof SORTS)[keyof typeof SORTS],
  limit: number,
): AsyncGenerator<Found['client']> {
  const all: Found['client'][] = [];
  for await (const item of items) all.push(item);
  yield* all.sort((one, other) => (other[field] ?? -1) - (one[field] ?? -1)).slice(0, limit);
}

async function crowdOf({ clients: list }: Controlled): Promise<Crowd> {
  const byAddress = new Map<string, number>();
  let notReading = 0;
  for await (const slice of list.all()) {
    for (const {
      client: { address, stalledMs = 0 },
    } of slice) {
      if (stalledMs >= NOT_READING_MS) notReading++;
      byAddress.set(address, (byAddress.get(address) ?? 0) + 1);
    }
  }
  const isLoopback = (address: string): boolean =>
    address === 'unix' || address === '::1' || address.startsWith('127.');
  const [top] = [...byAddress].filter(([address]) => !isLoopback(address)).sort(([, one], [, other]) => other - one);
  return { notReading, largest: top && { address: top[0], clients: top[1] } };
}

/** A page of another site can send no JSON without asking first, and nobody answers that here (CSRF). */
async function kicked(request: IncomingMessage, controlled: Controlled): Promise<Reply> {
  const isJson = /^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '');
  if (!isJson) return refusal(415, 'Kick takes application/json');
  const body = await bodyOf(request, MAX_BODY_BYTES);
  return body === undefined
    ? refusal(413, `A request has at most ${MAX_BODY_BYTES} bytes`)
    : lines(kick(controlled, kickRequest(body)));
}

const KICK_FIELDS: readonly string[] = ['ids', 'where', 'perSecond', 'dryRun'];

function kickRequest(body: string): KickRequest {
  const request = parseJson(body);
  refuseOthers(Object.keys(request), KICK_FIELDS);
  const { dryRun = false, ids, perSecond, where } = request;
  if (typeof dryRun !== 'boolean') throw new RangeError('dryRun is true or false');
  const isPace = perSecond === undefined || (typeof perSecond === 'number' && perSecond > 0);
  if (!isPace) throw new RangeError('perSecond is how many clients are closed in a second, more than 0');
  const pace = perSecond === undefined ? {} : { perSecond };
  if (ids !== undefined && where === undefined) return { filter: idFilter(ids), dryRun, ...pace };
  if (typeof where !== 'string' || where.trim() === '' || ids !== undefined)
    throw new RangeError('Say who is kicked: by ids, a list of numbers, or by where, such as idle>1h');
  return { filter: parseFilter(where), dryRun, ...pace };
}

function idFilter(ids: unknown): ClientFilter {
  const areNumbers = Array.isArray(ids) && ids.every((id) => Number.isSafeInteger(id) && id >= 0);
  if (!areNumbers) throw new RangeError('ids is a list of the numbers of clients, such as [88213, 88214]');
  const chosenIds = new Set<unknown>(ids);
  return ({ id }) => chosenIds.has(id);
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

const WATCH_QUERY: readonly string[] = ['every', 'waiting', 'places'];
const [SHORTEST_MS, LONGEST_MS] = [100, 3_600_000];

function watchRequest(query: URLSearchParams): WatchRequest {
  refuseOthers(query.keys(), WATCH_QUERY);
  const waiting = limitOf(query, MAX_WAITING, 'waiting');
  const places = Math.min(numberOf(query, 'places') ?? 0, MAX_PLACES);
  const every = query.get('every');
  if (every === null) return { waiting, places };
  const everyMs = parseDuration(every);
  if (everyMs === undefined || everyMs < SHORTEST_MS || everyMs > LONGEST_MS)
    throw new RangeError(`every is a duration from 100ms to 1h, such as 1s, not ${JSON.stringify(every)}`);
  return { waiting, places, everyMs };
}

function limitOf(query: URLSearchParams, most: number, name = 'limit'): number {
  return Math.min(numberOf(query, name) ?? most, most);
}

function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,9}$/.test(text))
    throw new RangeError(`${name} is a number of at most 9 digits, not ${JSON.stringify(text)}`);
  return Number(text);
}
