/** Says beside each lane of the cloth which thread it is, and what the thread does; a lane can be chosen. */
import { amountText, shareText } from '../admin/view/amounts.ts';
import type { ThreadView } from '../admin/view/threads.ts';
import type { View } from '../admin/view/view.ts';
import { bar, byId, make, syncCells, syncChildren } from './dom.ts';

/** More lanes than this are lower. */
const MANY_LANES = 8;

/** `lanes`: the numbers of the threads, from the top; 0 is the waiting room. `chosen`: the lane that is picked out. */
export function showLanes({ threads }: View, lanes: readonly number[], chosen: number | undefined): void {
  const byThread = new Map(threads.map((thread) => [thread.id, thread]));
  document.documentElement.style.setProperty('--lanes', String(lanes.length));
  document.body.classList.toggle('has-many-lanes', lanes.length > MANY_LANES);
  const [names, figures] = [byId('lane-names'), byId('lane-figures')];
  for (const list of [names, figures]) syncChildren(list, lanes.map(String), 'li');
  for (const [index, lane] of lanes.entries()) {
    const thread = byThread.get(lane);
    const [name, figure] = [names.children[index] as HTMLElement, figures.children[index] as HTMLElement];
    name.className = figure.className = thread?.state === 'blocked' ? 'alarm' : '';
    showName(name, lane, thread, lane === chosen);
    syncCells(figure, thread === undefined ? [] : figuresOf(thread));
  }
}

/** The button stays the same element: it may have the focus. */
function showName(item: HTMLElement, lane: number, thread: ThreadView | undefined, isChosen: boolean): void {
  const [name, state] =
    lane === 0
      ? [make('b', '', 'waiting', make('span', 'wide', ' room')), 'for a free thread']
      : [make('b', '', make('span', 'wide', 'thread '), `${lane}`), thread?.state ?? 'ended'];
  const button = item.firstElementChild ?? item.appendChild(make('button', 'lane'));
  (button as HTMLElement).dataset['lane'] = `${lane}`;
  button.setAttribute('aria-pressed', String(isChosen));
  syncCells(button, [name, make('span', 'dim', state)]);
}

function figuresOf({ clients, cpu, messages, state }: ThreadView): HTMLElement[] {
  const count = make('b', '', clients.toLocaleString('en-US'));
  return [
    make('span', 'count', count, make('span', 'dim', clients === 1 ? ' client' : ' clients')),
    make('span', 'rate', amountText(messages ?? 0), make('span', 'dim', ' msg/s')),
    make(
      'span',
      'cpu',
      bar(cpu ?? 0, state === 'blocked'),
      make('span', 'dim', cpu === undefined ? '–' : shareText(cpu)),
    ),
  ];
}
