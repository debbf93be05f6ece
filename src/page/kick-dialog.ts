/** Asks whether a client shall be kicked, and says what became of it. */
import type { ListedClient } from '../admin/control/client-list.ts';
import type { KickResult } from '../admin/control/kick.ts';
import { KICK_TEXTS } from '../admin/view/kick-texts.ts';
import { clientText, durationText } from '../admin/words.ts';
import { ask } from './ask.ts';
import { byId, setText } from './dom.ts';

export class KickDialog {
  readonly #token: string;
  readonly #dialog = byId('kick') as HTMLDialogElement;
  #client: ListedClient | undefined;
  #done: () => void = () => {};

  constructor(token: string) {
    this.#token = token;
    byId('kick-no').addEventListener('click', () => this.#dialog.close());
    byId('kick-yes').addEventListener('click', () => this.#kick());
  }

  /** `done`: what to do when it is known what became of the client. */
  open(client: ListedClient, done: () => void): void {
    [this.#client, this.#done] = [client, done];
    const { idleMs, state, thread } = client;
    const doing = idleMs === undefined ? state : `idle for ${durationText(idleMs)}`;
    setText('kick-who', `Kick ${clientText(client)}, on thread ${thread}, ${doing}?`);
    this.#dialog.showModal();
  }

  #kick(): void {
    const client = this.#client;
    this.#dialog.close();
    if (client === undefined) return;
    ask(this.#token, '/v1/kick', { id: client.id })
      .then((answer) => (answer as { readonly result?: KickResult }).result ?? 'gone')
      .then((result) => setText('kick-said', `Client #${client.id} ${KICK_TEXTS[result]}.`))
      .catch((error: unknown) => setText('kick-said', (error as Error).message))
      .finally(this.#done)
      .catch(() => {});
  }
}
