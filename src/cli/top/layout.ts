/** Lays out what is shown of a server, as lines of a terminal. */
import { basename } from 'node:path';
import { amountText, bytesText, shareText } from '../../admin/view/amounts.ts';
import type { ThreadView } from '../../admin/view/threads.ts';
import type { View } from '../../admin/view/view.ts';
import { countText, durationText } from '../../admin/words.ts';
import { deployText, unaccounted } from '../../log/deploy-text.ts';
import { type Line, type Style, widthOf, wrap } from './line.ts';
import { codeLines, threadLines, waitingLines } from './tables.ts';

/** What the service is called if no file is named. */
const BUILT_IN = 'reverse';
/** A limit of which so much is used is shown as near. */
const NEAR = 0.8;
/** More than any number of clients. */
const BLOCKED_RANK = 2 ** 32;
/** In a low terminal, this much is shown above the threads. */
const LOW_ROWS = 16;

export interface Room {
  readonly columns: number;
  /** Infinity: all is shown. */
  readonly rows: number;
  /** What stands in the last line: keys, or that no word has come. */
  readonly footer?: Line;
  /** The number of the thread with the cursor. */
  readonly cursor?: number | undefined;
}

/** Which server it is, and who waits: above every table. */
export function summaryLines(view: View, columns: number, most = 3): Line[] {
  return [headLine(view, columns), ...verdictLines(view, columns).slice(0, most)];
}

export function layout(view: View, { columns, cursor, footer, rows }: Room): Line[] {
  const isLow = rows < LOW_ROWS;
  const figures = figureLines(view);
  const top = [...summaryLines(view, columns, isLow ? 3 : 6), ...(isLow ? figures.slice(0, 2) : [[], ...figures, []])];
  const room = rows - top.length - (footer === undefined ? 0 : 1);
  const lines = [...top, ...tablesIn(room, view, columns, cursor)].slice(
    0,
    rows === Infinity ? undefined : Math.max(0, rows - 1),
  );
  if (footer === undefined) return lines;
  while (lines.length < rows - 1) lines.push([]);
  return [...lines, footer];
}

function headLine({ server, time }: View, columns: number): Line {
  const { engine, node, pid, service, state, uptimeMs, version } = server;
  const name = service === undefined ? BUILT_IN : basename(service);
  const about = ` ${version} · ${name} · pid ${pid} · `;
  const more = ` · up ${durationText(uptimeMs)} · ${engine} · Node ${node}`;
  const clock = new Date(time).toTimeString().slice(0, 8);
  const space = columns - widthOf(`heddle${about}${state}${more}`) - clock.length;
  const end: Line = space > 0 ? [[' '.repeat(space)], [clock, 'dim']] : [];
  return [['heddle', 'bold'], [about], [state, state === 'ready' ? 'good' : 'warn'], [more], ...end];
}

function verdictLines({ verdict }: View, columns: number): Line[] {
  const style = verdict.waiting > 0 ? 'alarm' : verdict.blocked.length > 0 ? 'warn' : 'bold';
  return wrap(verdict.text, columns).map((line) => [[line, style]]);
}

function figureLines(view: View): Line[] {
  const { clients, closed, cutOff, limits, longestMs, rates, server, waits } = view;
  const half = waits.p50Ms === undefined ? 'none' : `half ≤ ${durationText(waits.p50Ms)}`;
  const most = waits.p99Ms === undefined ? '' : `   99 % ≤ ${durationText(waits.p99Ms)}`;
  const perSecond = rates && `   +${amountText(rates.accepted)} −${amountText(rates.left)} /s`;
  const traffic =
    rates &&
    `${amountText(rates.messages)}/s   in ${bytesText(rates.receivedBytes)}/s   out ${bytesText(rates.sentBytes)}/s   moves ${amountText(rates.moves)}/s`;
  const left = closed.slice(0, 4).map(({ count, reason }) => `${reason} ${amountText(count)}`);
  return [
    [label('waits'), [`${half}${most}   longest of 60 s: ${durationText(longestMs)}`]],
    [label('clients'), [`${countNumber(clients)} of ${countNumber(server.maxClients)}${perSecond ?? ''}`]],
    [label('messages'), [traffic ?? 'measuring']],
    [label('limits'), ...limits.slice(0, 4).flatMap(limitPieces)],
    [
      label('left'),
      [left.join(' · ') || 'nobody'],
      [cutOff === 0 ? '' : `   cut off by the server: ${cutOff}`, 'warn'],
    ],
    ...deployLines(view),
  ];
}

/** Nothing, until there was a deploy. */
function deployLines({ deploy, predecessor, time }: View): Line[] {
  const lines: Line[] = [];
  if (predecessor !== undefined) {
    lines.push([label('old'), [`process ${predecessor.pid} still serves ${countText(predecessor.clients, 'client')}`]]);
  }
  if (deploy !== undefined) {
    const isGood = deploy.result === 'success' && deploy.dropped === 0 && unaccounted(deploy) === 0;
    const ago = `${durationText(Math.max(0, time - deploy.time))} ago: `;
    lines.push([label('deploy'), [ago], [deployText(deploy), isGood ? 'plain' : 'warn']]);
  }
  return lines;
}

function label(text: string): Line[number] {
  return [text.padEnd(10), 'dim'];
}

function limitPieces({ isBytes, limit, name, share, used }: View['limits'][number], index: number): Line[number][] {
  const text = isBytes ? bytesText : countNumber;
  const style: Style = share >= NEAR ? 'alarm' : 'plain';
  return [[index === 0 ? '' : ' · '], [`${name} ${shareText(share)} (${text(used)} of ${text(limit)})`, style]];
}

function countNumber(count: number): string {
  return count.toLocaleString('en-US');
}

/** Threads first; who waits and the code that blocks share what is left. */
function tablesIn(room: number, view: View, columns: number, cursor: number | undefined): Line[] {
  const waiting = view.waiting.length === 0 ? 0 : view.waiting.length + 2;
  const codes = view.codes.length === 0 ? 0 : view.codes.length + 2;
  const forThreads = Math.max(Math.min(room, 4), room - Math.min(waiting + codes, Math.floor(room / 2)));
  const lines = fittingThreads(view.threads, forThreads, columns, cursor);
  const left = room - lines.length;
  const forWaiting = Math.min(waiting, codes === 0 ? left : Math.max(Math.ceil(left / 2), left - codes));
  if (forWaiting > 2) lines.push([], ...waitingLines(view.waiting.slice(0, forWaiting - 2)));
  const forCodes = Math.min(codes, room - lines.length);
  if (forCodes > 2) lines.push([], ...codeLines(view.codes.slice(0, forCodes - 2)));
  return lines;
}

/** If there is no room for all, the one with the cursor, those that are blocked, then those with most clients. */
function fittingThreads(
  threads: readonly ThreadView[],
  room: number,
  columns: number,
  cursor: number | undefined,
): Line[] {
  if (threads.length + 1 <= room) return threadLines(threads, columns, cursor);
  const rankOf = ({ block, clients, id }: ThreadView): number =>
    (id === cursor ? 2 * BLOCKED_RANK : 0) + (block === undefined ? 0 : BLOCKED_RANK) + clients;
  const ranked = threads.toSorted((one, other) => rankOf(other) - rankOf(one));
  const chosen = ranked.slice(0, Math.max(0, room - 2)).sort((one, other) => one.id - other.id);
  const more = countText(threads.length - chosen.length, 'more thread');
  return [...threadLines(chosen, columns, cursor), [[`       ${more}`, 'dim']]];
}
