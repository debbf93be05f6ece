/** Runs `heddle kick`: has a server close clients. */
import type { Kicked, KickResult } from '../../admin/control/kick.ts';
import { clientText, countText } from '../../admin/words.ts';
import { HeddleError } from '../../errors.ts';
import { print, type Terminal } from '../terminal.ts';
import { askLines } from './ask.ts';
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
  const body = { ...chosenBy(ids, where), dryRun, ...(per !== undefined && { perSecond: paceOf(per) }) };
  const counts = { all: 0, done: 0 };
  for await (const line of askLines(await findServer(server, environment), '/v1/kick', body)) {
    const kicked = line as Kicked;
    counts.all++;
    if (kicked.result === 'kicked' || kicked.result === 'chosen') counts.done++;
    const text = json ? JSON.stringify(kicked) : `${clientText(kicked)}: ${RESULTS[kicked.result]}`;
    await print(terminal, `${text}\n`);
  }
  if (!json) await print(terminal, `${countText(counts.done, 'client')} ${dryRun ? 'would be kicked' : 'kicked'}\n`);
  return counts.all > 0 && counts.done === counts.all ? 0 : 1;
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
      if (!/^#?\d{1,16}$/.test(id))
        throw invalid(`A client is named by its number, such as 88213, got ${JSON.stringify(id)}`);
      return Number(id.replace('#', ''));
    }),
  };
}

/** `50/s`, `600/m`. */
function paceOf(text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(?:\/(s|m))?$/.exec(text) ?? [];
  const pace = Number(count) / (unit === 'm' ? 60 : 1);
  if (!(pace > 0)) throw invalid(`--per is a pace such as 50/s or 600/m, got ${JSON.stringify(text)}`);
  return pace;
}

function invalid(text: string): HeddleError {
  return new HeddleError('HEDDLE_INVALID_OPTION', text);
}
