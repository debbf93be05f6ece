/** Fills what is words and figures on the page. */
import { amountText, bytesText, shareText } from '../admin/view/amounts.ts';
import type { View } from '../admin/view/view.ts';
import { countText, durationText, placeText } from '../admin/words.ts';
import { deployText, unaccounted } from '../log/deploy-text.ts';
import type { Deploy } from '../log/event.ts';
import { bar, byId, fillTable, isOpen, make, setText, syncCells } from './dom.ts';
import { showStacks } from './stacks.ts';

/** A limit of which so much is used is near. */
const NEAR = 0.8;
const MOST_ROWS = 12;

const REASONS = {
  own: 'its own message',
  behind: 'a thread that another client blocks',
  thread: 'a free thread',
  incomplete: 'the rest of its message',
  unread: 'itself: it does not read',
} as const;

/** What changes four times a second. */
export function showNow(view: View): void {
  const { server, verdict } = view;
  showVerdict(verdict.text);
  byId('verdict').className = verdict.waiting > 0 ? 'alarm' : '';
  showStacks(view);
  setText('state', server.state);
  byId('state').className = server.state === 'ready' ? 'pill good' : 'pill warn';
  setText('about', aboutText(view));
  showTiles(view);
}

export function showVerdict(text: string): void {
  const [first, rest] = sentences(text);
  setText('verdict', first);
  setText('details', rest);
}

/** What would be restless four times a second. */
export function showSlow(view: View): void {
  if (isOpen('threads-words')) showThreads(view);
  fillTable(
    'codes',
    view.codes.slice(0, MOST_ROWS).map(({ client, code, count, longestMs, moved }) => ({
      key: code ?? '?',
      cells: [
        code === undefined ? make('span', 'dim', 'not known') : make('code', '', code),
        durationText(longestMs),
        amountText(count),
        client === undefined ? '–' : `#${client.id}`,
        amountText(moved),
      ],
    })),
    'No message has blocked a thread for long.',
  );
  fillTable(
    'waiting',
    view.waiting.slice(0, MOST_ROWS).map((client) => ({
      key: `${client.id}`,
      isAlarm: client.why === 'behind' || client.why === 'thread',
      cells: [
        durationText(client.waitMs),
        `#${client.id}`,
        placeText(client),
        `${client.thread}`,
        client.code === undefined ? REASONS[client.why] : `${REASONS[client.why]}: ${client.code}`,
      ],
    })),
    'No client waits.',
  );
  showBars(view);
}

function sentences(text: string): readonly [string, string] {
  const end = text.indexOf('. ');
  return end < 0 ? [text, ''] : [text.slice(0, end + 1), text.slice(end + 2)];
}

export function serviceName({ service }: View['server']): string {
  return service === undefined ? 'reverse' : decodeURI(service.slice(service.lastIndexOf('/') + 1));
}

function aboutText({ server }: View): string {
  const { addresses, engine, node, pid, uptimeMs, version } = server;
  const parts = [serviceName(server), addresses.join(' '), `pid ${pid}`, `up ${durationText(uptimeMs)}`];
  return [...parts, `${engine}, Node ${node}, heddle ${version}`].join(' · ');
}

function showTiles(view: View): void {
  const { clients, closed, cutOff, longestMs, rates, server, threads, waits } = view;
  const blocked = threads.filter(({ state }) => state === 'blocked').length;
  setText('tile-wait', durationText(longestMs));
  setText(
    'tile-wait-more',
    waits.p99Ms === undefined ? 'no message now' : `99 of 100 within ${durationText(waits.p99Ms)}`,
  );
  setText('tile-clients', clients.toLocaleString('en-US'));
  setText(
    'tile-clients-more',
    `of ${server.maxClients.toLocaleString('en-US')}${rates && `, +${amountText(rates.accepted)} −${amountText(rates.left)} a second`}`,
  );
  setText('tile-messages', rates === undefined ? '–' : amountText(rates.messages));
  setText(
    'tile-messages-more',
    rates === undefined ? '' : `a second, in ${bytesText(rates.receivedBytes)}, out ${bytesText(rates.sentBytes)}`,
  );
  setText('tile-threads', `${threads.length}`);
  const moves = rates && `, ${amountText(rates.moves)} moves a second`;
  setText('tile-threads-more', `of ${server.threads.max}, ${blocked === 0 ? 'none' : blocked} blocked${moves ?? ''}`);
  byId('tile-threads-more').className = blocked === 0 ? 'more' : 'more alarm';
  const all = closed.reduce((sum, { count }) => sum + count, 0);
  setText('tile-cut', amountText(cutOff));
  setText('tile-cut-more', `of ${countText(all, 'client')} that left`);
  showDeploy(view);
}

function showDeploy({ deploy, predecessor, time }: View): void {
  if (deploy === undefined && predecessor === undefined) return;
  const lost = deploy === undefined ? 0 : (deploy.dropped ?? 0) + Math.max(0, unaccounted(deploy));
  const old = predecessor && `process ${predecessor.pid} still serves ${countText(predecessor.clients, 'client')}`;
  const ago = deploy && `${durationText(Math.max(0, time - deploy.time))} ago: ${shortText(deploy)}`;
  setText(
    'tile-deploy',
    deploy === undefined ? '…' : deploy.result === 'failure' ? 'failed' : `${amountText(lost)} dropped`,
  );
  setText('tile-deploy-more', old ?? ago ?? '');
  byId('tile-deploy-more').className = lost > 0 || deploy?.result === 'failure' ? 'more alarm' : 'more';
}

/** A tile has two lines: an account that adds up needs no sum. */
function shortText(deploy: Deploy): string {
  const { clients, kind, moved = 0, result, stayed = 0 } = deploy;
  const isWhole = result === 'success' && clients !== undefined && unaccounted(deploy) === 0;
  return isWhole ? `${kind}, ${amountText(moved)} moved, ${amountText(stayed)} stayed` : deployText(deploy);
}

export function showThreads({ threads }: Pick<View, 'threads'>): void {
  fillTable(
    'threads',
    threads.map(({ block, clients, cpu, delay, id, messages }) => ({
      key: `${id}`,
      isAlarm: block !== undefined,
      cells: [
        `${id}`,
        block === undefined ? 'serving' : `blocked ${durationText(block.ms)}`,
        clients.toLocaleString('en-US'),
        messages === undefined ? '–' : amountText(messages),
        cpu === undefined ? '–' : shareText(cpu),
        delay === undefined ? '–' : shareText(delay),
        block === undefined
          ? ''
          : `${block.client === undefined ? 'no client' : `#${block.client.id}`} ${block.code ?? ''}`,
      ],
    })),
    'There is no thread.',
  );
}

function showBars({ closed, limits }: View): void {
  const near = limits.map(({ isBytes, limit, name, share, used }) => {
    const text = (amount: number): string => (isBytes ? bytesText(amount) : amount.toLocaleString('en-US'));
    const isNear = share >= NEAR;
    return make(
      'li',
      isNear ? 'alarm' : '',
      make('span', 'name', name),
      bar(share, isNear),
      make('span', 'figure', `${text(used)} of ${text(limit)}`),
    );
  });
  syncCells(byId('limits'), near);
  const most = Math.max(1, ...closed.map(({ count }) => count));
  const left = closed.map(({ by, count, reason }) => {
    const isCut = by === 'limit' || by === 'fault';
    return make(
      'li',
      isCut ? 'warn' : '',
      make('span', 'name', reason),
      bar(count / most, isCut),
      make('span', 'figure', amountText(count)),
    );
  });
  syncCells(byId('closed'), left.length === 0 ? [make('li', 'empty', 'No client has left yet.')] : left);
}
