/** Sends a message to the server over a connection of its own, and shows the reply and how long it took. */
import { durationText } from '../admin/words.ts';
import { ask } from './ask.ts';
import { byId, make } from './dom.ts';

interface Sent {
  readonly reply?: string;
  readonly bytes?: number;
  readonly ms?: number;
  readonly error?: string;
}

const MOST_SHOWN = 8;

export function startSendBox(token: string): void {
  const form = byId('send') as HTMLFormElement;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const text = (byId('send-text') as HTMLInputElement).value;
    const framing = (byId('send-framing') as HTMLSelectElement).value;
    const tls = (byId('send-tls') as HTMLInputElement).checked;
    const line = make('li', '', make('code', '', text), make('span', 'dim', ' … '));
    const log = byId('sent');
    log.prepend(line);
    while (log.children.length > MOST_SHOWN) log.lastElementChild?.remove();
    ask(token, '/v1/send', { text, framing, tls })
      .catch((error: unknown): Sent => ({ error: (error as Error).message }))
      .then((sent) => line.replaceChildren(make('code', '', text), ...resultOf(sent as Sent)))
      .catch(() => {});
  });
}

function resultOf({ bytes = 0, error, ms = 0, reply = '' }: Sent): Node[] {
  if (error !== undefined) return [make('span', 'alarm', ` ${error}`)];
  const took = ms < 10 ? `${ms.toFixed(2)} ms` : durationText(ms);
  return [
    make('span', 'dim', ' → '),
    make('code', 'reply', reply),
    make('span', 'dim', ` ${bytes} bytes, `),
    make('b', '', took),
  ];
}
