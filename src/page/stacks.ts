/** Shows what has called what in threads that are blocked. */
import type { BlockedThread } from '../admin/observed.ts';
import type { View } from '../admin/view/view.ts';
import { durationText } from '../admin/words.ts';
import { byId, make, syncCells } from './dom.ts';

/** The button is there while there is a stack to see. What somebody reads stays when the thread is free again. */
export function showStacks({ verdict }: View): void {
  const known = verdict.blocked.filter(({ stack }) => stack !== undefined);
  const button = byId('see-stack');
  if (button.hidden !== (known.length === 0)) button.hidden = !button.hidden;
  if (known.length > 0) syncCells(byId('stacks'), known.map(stackOf));
}

function stackOf({ client, ms, stack = [], thread }: BlockedThread): HTMLElement {
  const by = client === undefined ? '' : ` by client #${client.id}`;
  const title = make('h3', '', `Thread ${thread}`, make('span', 'dim', ` blocked for ${durationText(ms)}${by}`));
  const frames = stack.map((frame) => make('li', '', make('code', '', frame)));
  return make('section', '', title, make('ol', 'stack', ...frames));
}

export function startStacks(): void {
  byId('see-stack').addEventListener('click', () => (byId('stack') as HTMLDialogElement).showModal());
}
