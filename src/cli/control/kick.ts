/** Runs `heddle kick`: has a server close clients. */
import type { Kicked, KickResult } from '../../admin/control/kick.ts';
import { clientText, countText } from '../../admin/words.ts';
import { HeddleError } from '../../errors.ts';
import { escapeJson } from '../../log/escape.ts';
import { print, type Terminal } from '../terminal.ts';
import { absentOf, absentText } from './absent.ts';
import { all, askLines } from './ask.ts';
import { findServer } from './find-server.ts';

export interface KickFlags {
  readonly server?: string;
  readonly where?: string;
  readonly per?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const RESULTS: Readonly<Record<KickResult, string>> = {
  kicked: 'kicked',
  chosen: 'would be kicked',
  blocking: 'blocks its thread, which cannot close it; the server does at handlerTimeout',
  waiting: 'is closed as soon as its thread is free',
};

/** Gives the exit status: 1 if nobody was chosen, or not all are closed. */
export async function runKick(
  ids: readonly string[],
  { dryRun = false, json = false, per, server, where }: KickFlags,
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
): Promise<number> {
  const perSecond = per === undefined ? undefined : paceOf(per);
  const chosen = chosenBy(ids, where);
  const body = { ...chosen, dryRun, ...(perSecond !== undefined && { perSecond }) };
  const pauseMs = perSecond === undefined ? 0 : 1000 / perSecond;
  const counts = { all: 0, done: 0 };
  const absent = new Set('ids' in chosen ? chosen.ids : []);
  const socket = await findServer(server, environment);
  for await (const line of askLines(socket, '/v1/kick', { body, pauseMs })) {
    const kicked = line as Kicked;
    counts.all++;
    absent.delete(kicked.id);
    if (kicked.result === 'kicked' || kicked.result === 'chosen') counts.done++;
    const text = json ? escapeJson(JSON.stringify(kicked)) : `${clientText(kicked)}: ${RESULTS[kicked.result]}`;
    await print(terminal, `${text}\n`);
  }
  for (const client of await absentOf(socket, [...absent]))
    await print(terminal, `${json ? JSON.stringify(client) : absentText(client)}\n`);
  if (!json) await print(terminal, `${countText(counts.done, 'client')} ${dryRun ? 'would be kicked' : 'kicked'}\n`);
  return counts.all > 0 && counts.done === counts.all ? 0 : 1;
}

/** What became of one client; `undefined`: it had left already. Errors: those of `askLines`. */
export async function kickClient(socket: string, id: number): Promise<KickResult | undefined> {
  const [kicked] = (await all(askLines(socket, '/v1/kick', { body: { ids: [id] } }))) as readonly Kicked[];
  return kicked?.result;
}

function chosenBy(
  ids: readonly string[],
  where: string | undefined,
): { readonly ids: number[] } | { readonly where: string } {
  if (ids.length > 0 === (where !== undefined))
    throw invalid('Say who is kicked: by numbers, such as 88213, or by --where');
  if (where !== undefined) return { where };
  return {
    ids: ids.map((id) => {
      if (!/^#?\d{1,15}$/.test(id))
        throw invalid(`A client is named by its number, such as 88213, got ${JSON.stringify(id)}`);
      return Number(id.replace('#', ''));
    }),
  };
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };
/** The longest pace is one client a week: a timer of Node's takes no more than 24 days. */
const SLOWEST_PER_SECOND = 1 / (7 * 86_400);

/** Clients a second, of a pace such as `50/s`, `600/m` or `10/h`. */
function paceOf(text: string): number {
  const [, count, unit = 's'] = /^(\d+(?:\.\d+)?)(?:\/(s|m|h))?$/.exec(text) ?? [];
  const pace = Number(count) / (SECONDS[unit] ?? 1);
  if (pace >= SLOWEST_PER_SECOND) return pace;
  throw invalid(
    `--per is how many clients in a second, minute or hour, such as 50/s, 600/m or 10/h, got ${JSON.stringify(text)}`,
  );
}

function invalid(text: string): HeddleError {
  return new HeddleError('HEDDLE_INVALID_OPTION', text);
}
