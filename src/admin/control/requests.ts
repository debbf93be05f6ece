/** Answers what the commands ask at the control socket: snapshot, clients, doctor, events, kick, profile. */
import type { IncomingMessage } from 'node:http';
import { parseDuration } from '../../options/values/duration.ts';
import { type ClientFilter, parseFilter } from './client-filter.ts';
import type { Found } from './client-list.ts';
import type { Controlled } from './controlled.ts';
import { type Crowd, findings } from './doctor.ts';
import { kick, type KickRequest } from './kick.ts';
import type { Reply } from '../reply.ts';
import { placesOf } from './places.ts';
import { profileReply } from './profile-request.ts';
import { action, json, lines, numberOf, refusal, refuseOthers } from './replies.ts';
import { SCHEMA, snapshotOf } from './snapshot.ts';
import { longestWaiting } from './waiting.ts';
import { watching, type WatchRequest } from './watching.ts';

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

/** The reply to a request at `path`; `undefined`: there is nothing. Throws a `RangeError` for a question that is none. */
export async function controlReply(request: IncomingMessage, controlled: Controlled): Promise<Reply | undefined> {
  const { pathname: path, searchParams: query } = new URL(request.url ?? '', 'http://localhost');
  if (path === '/v1/kick') return action(request, 'Kick', (fields) => lines(kick(controlled, kickRequest(fields))));
  const [, threads] = /^\/v1\/threads\/([^/]*)\/profile$/.exec(path) ?? [];
  if (threads !== undefined)
    return action(request, 'Profile', async (fields) => profileReply(request, threads, fields, controlled));
  if (request.method === 'POST') return undefined;
  if (path === '/v1/snapshot') return json(snapshotOf(controlled));
  if (path === '/v1/doctor')
    return json({ schema: SCHEMA, findings: findings(controlled.observe(), await crowdOf(controlled)) });
  if (path === '/v1/waiting')
    return json({ schema: SCHEMA, clients: await longestWaiting(controlled, limitOf(query, MAX_WAITING)) });
  if (path === '/v1/places') return json({ schema: SCHEMA, places: placesOf(controlled, limitOf(query, MAX_PLACES)) });
  if (path === '/v1/watch') return lines(watching(controlled, watchRequest(query)));
  if (path === '/v1/events') {
    refuseOthers(query.keys(), EVENTS_QUERY);
    return lines(controlled.events.after(numberOf(query, 'after') ?? 0));
  }
  if (path === '/v1/clients') return clients(query, controlled);
  const [, id] = /^\/v1\/clients\/([^/]*)$/.exec(path) ?? [];
  return id === undefined ? undefined : client(clientId(id), controlled);
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

const EVENTS_QUERY: readonly string[] = ['after'];

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
  for await (const slice of list.all()) {
    for (const {
      client: { address },
    } of slice)
      byAddress.set(address, (byAddress.get(address) ?? 0) + 1);
  }
  const isLoopback = (address: string): boolean =>
    address === 'unix' || address === '::1' || address.startsWith('127.');
  const [top] = [...byAddress].filter(([address]) => !isLoopback(address)).sort(([, one], [, other]) => other - one);
  return { largest: top && { address: top[0], clients: top[1] } };
}

const KICK_FIELDS: readonly string[] = ['ids', 'where', 'perSecond', 'dryRun'];

function kickRequest(request: Readonly<Record<string, unknown>>): KickRequest {
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
