/** Says beside each lane of the cloth which thread it is, and what the thread does. */
import { amountText, shareText } from '../admin/view/amounts.ts';
import type { ThreadView } from '../admin/view/threads.ts';
import type { View } from '../admin/view/view.ts';
import { bar, byId, make } from './dom.ts';

/** More lanes than this are lower. */
const MANY_LANES = 8;

/** `lanes`: the numbers of the threads, from the top; 0 is the waiting room. */
export function showLanes({ threads }: View, lanes: readonly number[]): void {
  const byThread = new Map(threads.map((thread) => [thread.id, thread]));
  document.documentElement.style.setProperty('--lanes', String(lanes.length));
  document.body.classList.toggle('has-many-lanes', lanes.length > MANY_LANES);
  byId('lane-names').replaceChildren(...lanes.map((lane) => nameOf(lane, byThread.get(lane))));
  byId('lane-figures').replaceChildren(...lanes.map((lane) => figuresOf(byThread.get(lane))));
}

function nameOf(lane: number, thread: ThreadView | undefined): HTMLElement {
  if (lane === 0) {
    const name = make('b', '', 'waiting', make('span', 'wide', ' room'));
    return make('li', '', name, make('span', 'dim', 'for a free thread'));
  }
  const name = make('b', '', make('span', 'wide', 'thread '), `${lane}`);
  return make('li', classOf(thread), name, make('span', 'dim', thread?.state ?? 'ended'));
}

function figuresOf(thread: ThreadView | undefined): HTMLElement {
  if (thread === undefined) return make('li', '');
  const { clients, cpu, messages, state } = thread;
  const count = make('b', '', clients.toLocaleString('en-US'));
  return make(
    'li',
    classOf(thread),
    make('span', 'count', count, make('span', 'dim', clients === 1 ? ' client' : ' clients')),
    make('span', 'rate', amountText(messages ?? 0), make('span', 'dim', ' msg/s')),
    make(
      'span',
      'cpu',
      bar(cpu ?? 0, state === 'blocked'),
      make('span', 'dim', cpu === undefined ? '–' : shareText(cpu)),
    ),
  );
}

function classOf(thread: ThreadView | undefined): string {
  return thread?.state === 'blocked' ? 'alarm' : '';
}
