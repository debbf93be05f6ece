/** Lists clients: finds, sorts and, where the page may, kicks them. Clients are asked for only while the table is seen. */
import type { ListedClient } from '../admin/control/client-list.ts';
import { bytesText } from '../admin/view/amounts.ts';
import { whereOf } from '../admin/view/search.ts';
import { durationText, placeText } from '../admin/words.ts';
import { ask } from './ask.ts';
import { byId, fillTable, make, type Row, setText } from './dom.ts';
import { KickDialog } from './kick-dialog.ts';

const MOST_ROWS = 100;
const AGAIN_MS = 2_000;
/** How long after the last key clients are looked for, in ms. */
const TYPING_MS = 400;

export class ClientTable {
  readonly #token: string;
  readonly #mayAsk: () => boolean;
  readonly #kicking: KickDialog;
  readonly #search = byId('find-text') as HTMLInputElement;
  #clients: readonly ListedClient[] = [];
  #sort = 'idle';
  #mayKick = false;
  #isSeen = false;
  #isAsking = false;
  #typing: ReturnType<typeof setTimeout> | undefined;

  /** `mayAsk`: the page is not paused, and somebody sees it. */
  constructor(token: string, mayAsk: () => boolean) {
    this.#token = token;
    this.#mayAsk = mayAsk;
    this.#kicking = new KickDialog(token);
    new IntersectionObserver((seen) => {
      this.#isSeen = seen.at(-1)?.isIntersecting === true;
      this.refresh();
    }).observe(byId('client-panel'));
    setInterval(() => this.#mayAsk() && this.refresh(), AGAIN_MS);
    byId('find').addEventListener('submit', (event) => event.preventDefault());
    this.#search.addEventListener('input', () => this.#typed());
    byId('client-head').addEventListener('click', ({ target }) => this.#sortBy(target as HTMLElement));
    byId('clients').addEventListener('click', ({ target }) => this.#kick(target as HTMLElement));
  }

  set mayKick(may: boolean) {
    this.#mayKick = may;
  }

  focus(): void {
    this.#search.focus();
  }

  /** Shows the clients of a thread; `undefined`: of all threads. */
  choose(thread: number | undefined): void {
    this.#search.value = thread === undefined ? '' : `thread=${thread}`;
    this.refresh();
  }

  /** Half a condition is none. */
  #typed(): void {
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.refresh(), TYPING_MS);
  }

  refresh(): void {
    if (!this.#isSeen || this.#isAsking) return;
    this.#isAsking = true;
    const typed = this.#search.value;
    const query = new URLSearchParams({ where: whereOf(typed), sort: this.#sort, limit: String(MOST_ROWS) });
    ask(this.#token, `/v1/clients?${query.toString()}`)
      .then((clients) => this.#show(clients as readonly ListedClient[]))
      .catch((error: unknown) => setText('find-error', (error as Error).message))
      .finally(() => {
        this.#isAsking = false;
        if (this.#search.value !== typed) this.#typed();
      })
      .catch(() => {});
  }

  #show(clients: readonly ListedClient[]): void {
    this.#clients = clients;
    setText('find-error', '');
    const shown = clients.length === MOST_ROWS ? `the first ${MOST_ROWS}` : `${clients.length}`;
    setText('clients-about', shown);
    fillTable(
      'clients',
      clients.map((client) => this.#rowOf(client)),
      'No client.',
    );
  }

  #rowOf(client: ListedClient): Row {
    const { ageMs, cost, id, idleMs, kept, moves, pinned, state, thread } = client;
    const cells: (Node | string)[] = [
      `#${id}`,
      placeText(client),
      thread === 0 ? 'waits' : `${thread}`,
      pinned === undefined ? state : `${state} (${pinned})`,
      timeText(ageMs),
      timeText(idleMs),
      kept === 0 ? '–' : bytesText(kept),
      `${moves}`,
      cost,
    ];
    return { key: `${id}`, cells: this.#mayKick ? [...cells, kickButton(id)] : cells };
  }

  #sortBy(target: HTMLElement): void {
    const sort = target.closest<HTMLElement>('[data-sort]')?.dataset['sort'];
    if (sort === undefined) return;
    this.#sort = sort;
    for (const button of byId('client-head').querySelectorAll<HTMLElement>('[data-sort]'))
      button.parentElement?.setAttribute('aria-sort', button.dataset['sort'] === sort ? 'descending' : 'none');
    this.refresh();
  }

  #kick(target: HTMLElement): void {
    const id = Number(target.closest<HTMLElement>('[data-kick]')?.dataset['kick']);
    const client = this.#clients.find((each) => each.id === id);
    if (client !== undefined) this.#kicking.open(client, () => this.refresh());
  }
}

function kickButton(id: number): HTMLElement {
  const button = make('button', 'kick', 'Kick');
  button.dataset['kick'] = `${id}`;
  button.setAttribute('aria-label', `Kick client #${id}`);
  return button;
}

function timeText(ms: number | undefined): string {
  return ms === undefined ? '–' : durationText(ms);
}
