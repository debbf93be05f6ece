/** Lays out threads, clients that wait, and code that blocks, in columns that do not move. */
import type { WaitingClient, WaitReason } from '../../admin/control/waiting.ts';
import type { CodeBlocks } from '../../admin/observed.ts';
import { amountText, shareText } from '../../admin/view/amounts.ts';
import type { ThreadView } from '../../admin/view/threads.ts';
import { durationText, placeText } from '../../admin/words.ts';
import { type Line, padded, type Style } from './line.ts';

export interface Column<Row> {
  readonly title: string;
  /** Left out for the last column: it takes what is left. */
  readonly width?: number;
  readonly isNumber?: boolean;
  readonly text: (row: Row) => string;
  readonly style?: (row: Row) => Style;
}

/** In so many columns there is room for all that is known of a thread. */
const WIDE = 100;
const UNKNOWN = '–';
const BAR_WIDTH = 10;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): Line[] {
  const head: Line = columns.map((column) => [cell(column, column.title), 'dim']);
  return [
    head,
    ...rows.map((row): Line => columns.map((column) => [cell(column, column.text(row)), column.style?.(row)])),
  ];
}

function cell<Row>({ isNumber, width }: Column<Row>, text: string): string {
  return width === undefined ? text : `${padded(text, width, isNumber)}  `;
}

/** Such as `███▌`: `share` of the width. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * EIGHTHS.length);
  return '█'.repeat(eighths / EIGHTHS.length) + (EIGHTHS[eighths % EIGHTHS.length] ?? '');
}

/** `text` at the right of `width` columns; with the cursor, a mark at the left. */
export function markText(text: string, width: number, isMarked: boolean): string {
  return isMarked ? `▸${text.padStart(width - 1)}` : text;
}

/** `width`: how many columns there are for all of it. `cursor`: the number of the thread that is marked. */
export function threadLines(threads: readonly ThreadView[], width: number, cursor?: number): Line[] {
  const most = Math.max(1, ...threads.map(({ clients }) => clients));
  const alarm = ({ block }: ThreadView): Style => (block === undefined ? 'plain' : 'alarm');
  const barColumn = { title: '', width: BAR_WIDTH, text: ({ clients }: ThreadView) => bar(clients / most, BAR_WIDTH) };
  const columns: readonly Column<ThreadView>[] = [
    { title: 'THREAD', width: 6, isNumber: true, text: ({ id }) => markText(`${id}`, 6, id === cursor), style: alarm },
    { title: 'STATE', width: 15, text: stateText, style: alarm },
    { title: 'CLIENTS', width: 7, isNumber: true, text: ({ clients }) => amountText(clients) },
    { title: 'MSG/S', width: 7, isNumber: true, text: ({ messages }) => known(messages, amountText) },
    { title: 'CPU', width: 5, isNumber: true, text: ({ cpu }) => known(cpu, shareText) },
    { title: 'BLOCKED BY', text: blockText, style: alarm },
  ];
  return table(width < WIDE ? columns : columns.toSpliced(5, 0, delayColumn).toSpliced(3, 0, barColumn), threads);
}

export function waitingLines(waiting: readonly WaitingClient[]): Line[] {
  const columns: readonly Column<WaitingClient>[] = [
    { title: 'WAITS', width: 7, isNumber: true, text: ({ waitMs }) => durationText(waitMs) },
    { title: 'CLIENT', width: 9, isNumber: true, text: ({ id }) => `#${id}` },
    { title: 'ADDRESS', width: 21, text: (client) => placeText(client) },
    { title: 'FOR', text: reasonText },
  ];
  return table(columns, waiting);
}

export function codeLines(codes: readonly CodeBlocks[]): Line[] {
  const columns: readonly Column<CodeBlocks>[] = [
    { title: 'LONGEST', width: 7, isNumber: true, text: ({ longestMs }) => durationText(longestMs) },
    { title: 'TIMES', width: 6, isNumber: true, text: ({ count }) => amountText(count) },
    { title: 'MOVED', width: 6, isNumber: true, text: ({ moved }) => amountText(moved) },
    { title: 'CODE THAT BLOCKED', text: ({ code = 'not known' }) => code },
  ];
  return table(columns, codes);
}

const delayColumn: Column<ThreadView> = {
  title: 'DELAY',
  width: 5,
  isNumber: true,
  text: ({ delay }) => known(delay, shareText),
  style: delayStyle,
};

function stateText({ block }: ThreadView): string {
  return block === undefined ? 'serving' : `blocked ${durationText(block.ms)}`;
}

function delayStyle({ delay = 0 }: ThreadView): Style {
  return delay > 0.2 ? 'warn' : 'plain';
}

function blockText({ block }: ThreadView): string {
  if (block === undefined) return '';
  const { client, code } = block;
  return `${client === undefined ? 'no client' : `#${client.id}`}${code === undefined ? '' : ` in ${code}`}`;
}

const REASONS: Readonly<Record<WaitReason, (client: WaitingClient) => string>> = {
  own: ({ code, thread }) => `its own message, on thread ${thread}${inCode(code)}`,
  behind: ({ code, pinned, thread }) =>
    `thread ${thread}, which another blocks${pinned === undefined ? '' : ` (${pinned})`}${inCode(code)}`,
  thread: () => 'a free thread',
  incomplete: () => 'the rest of its message',
  unread: () => 'itself: it does not read',
};

function reasonText(client: WaitingClient): string {
  return REASONS[client.why](client);
}

function inCode(code: string | undefined): string {
  return code === undefined ? '' : `: ${code}`;
}

function known(value: number | undefined, text: (value: number) => string): string {
  return value === undefined ? UNKNOWN : text(value);
}
