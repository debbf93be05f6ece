/** Says beside each lane of the cloth which thread it is, and what the thread does; a lane can be chosen. */
import { amountText, shareText } from '../admin/view/amounts.ts';
import type { ThreadView } from '../admin/view/threads.ts';
import type { View } from '../admin/view/view.ts';
import { bar, byId, fillBar, make, setTextOf, syncCells, syncChildren } from './dom.ts';

/** More lanes than this are lower. */
const MANY_LANES = 8;

/** The elements of a lane's figures that change. */
interface Figures {
  readonly count: HTMLElement;
  readonly unit: HTMLElement;
  readonly rate: HTMLElement;
  readonly share: HTMLElement;
  readonly fill: HTMLElement;
}

/** What a lane shows: most lanes are the same four times a second, and to make their elements anew costs more than the picture. */
interface Shown {
  readonly thread: ThreadView | undefined;
  readonly isChosen: boolean;
}

/** The lanes that there are elements for. */
let elementsFor = '';
const shown = new WeakMap<Element, Shown>();
const figures = new WeakMap<Element, Figures>();

/** `lanes`: the numbers of the threads, from the top; 0 is the waiting room. `chosen`: the lane that is picked out. */
export function showLanes({ threads }: View, lanes: readonly number[], chosen: number | undefined): void {
  const byThread = new Map(threads.map((thread) => [thread.id, thread]));
  const [names, numbers] = [byId('lane-names'), byId('lane-figures')];
  const keys = lanes.map(String);
  if (keys.join(' ') !== elementsFor) {
    elementsFor = keys.join(' ');
    document.documentElement.style.setProperty('--lanes', String(lanes.length));
    document.body.classList.toggle('has-many-lanes', lanes.length > MANY_LANES);
    for (const list of [names, numbers]) syncChildren(list, keys, 'li');
  }
  for (const [index, lane] of lanes.entries()) {
    const thread = byThread.get(lane);
    const [name, figure] = [names.children[index] as HTMLElement, numbers.children[index] as HTMLElement];
    const [before, isChosen] = [shown.get(name), lane === chosen];
    const isSame = before !== undefined && before.isChosen === isChosen && before.thread?.state === thread?.state;
    if (isSame && before.thread === thread) continue;
    shown.set(name, { thread, isChosen });
    showFigures(figure, thread);
    if (isSame) continue;
    name.className = figure.className = classOf(lane, thread);
    showName(name, lane, thread, isChosen);
  }
}

function classOf(lane: number, thread: ThreadView | undefined): string {
  if (thread?.state === 'blocked') return 'alarm';
  return thread === undefined && lane !== 0 ? 'ended' : '';
}

/** The button stays the same element: it may have the focus. */
function showName(item: HTMLElement, lane: number, thread: ThreadView | undefined, isChosen: boolean): void {
  const [name, state] =
    lane === 0
      ? [make('b', '', 'wait', make('span', 'wide', 'ing room')), 'for a free thread']
      : [make('b', '', make('span', 'wide', 'thread '), `${lane}`), thread?.state ?? 'ended'];
  const button = item.firstElementChild ?? item.appendChild(make('button', 'lane'));
  (button as HTMLElement).dataset['lane'] = `${lane}`;
  button.setAttribute('aria-pressed', String(isChosen));
  syncCells(button, [name, make('span', 'dim', state)]);
}

function showFigures(item: HTMLElement, thread: ThreadView | undefined): void {
  if (thread === undefined) {
    item.replaceChildren();
    figures.delete(item);
    return;
  }
  const { clients, cpu, messages, state } = thread;
  const { count, fill, rate, share, unit } = figures.get(item) ?? makeFigures(item);
  setTextOf(count, clients.toLocaleString('en-US'));
  setTextOf(unit, clients === 1 ? ' client' : ' clients');
  setTextOf(rate, amountText(messages ?? 0));
  setTextOf(share, cpu === undefined ? '–' : shareText(cpu));
  fillBar(fill, cpu ?? 0, state === 'blocked');
}

function makeFigures(item: HTMLElement): Figures {
  const [count, unit, rate, share] = [make('b', ''), make('span', 'dim'), make('span', ''), make('span', 'dim')];
  const cpu = bar(0, false);
  const made = { count, unit, rate, share, fill: cpu.firstElementChild as HTMLElement };
  item.replaceChildren(
    make('span', 'count', count, unit),
    make('span', 'rate', rate, make('span', 'dim', ' msg/s')),
    make('span', 'cpu', cpu, share),
  );
  figures.set(item, made);
  return made;
}
