/** Does what keys say in `heddle top`, and asks for the clients that are shown then. */
import type { ClosedClient } from '../../admin/control/closed-clients.ts';
import type { ListedClient } from '../../admin/control/client-list.ts';
import type { KickResult } from '../../admin/control/kick.ts';
import type { NumberedEvent } from '../../admin/control/recent-events.ts';
import { KICK_TEXTS } from '../../admin/view/kick-texts.ts';
import { whereOf } from '../../admin/view/search.ts';
import type { View } from '../../admin/view/view.ts';
import { clientText, durationText } from '../../admin/words.ts';
import { HeddleError } from '../../errors.ts';
import { clientLines, detailLines, eventLines, helpLines, leftLines } from './browse.ts';
import { layout, type Room, summaryLines } from './layout.ts';
import type { Line } from './line.ts';
import { type Mode, Navigation } from './navigation.ts';
import { ProfilePane, type TakeProfile } from './profile-pane.ts';
import { codeLines } from './tables.ts';

/** So many clients are asked for. */
export const MOST_CLIENTS = 500;
/** So many events are kept: as many as a server remembers. */
const MOST_EVENTS = 1024;

/** What is asked beside the view. */
export interface Questions {
  readonly clients: (query: URLSearchParams) => Promise<readonly ListedClient[]>;
  readonly left: () => Promise<readonly ClosedClient[]>;
  /** Those after an event's number. */
  readonly events: (seq: number) => Promise<readonly NumberedEvent[]>;
  /** Left out: nobody may be kicked here. */
  readonly kick?: (id: number) => Promise<KickResult | 'gone'>;
  /** Left out: no thread may be profiled here. */
  readonly profile?: TakeProfile;
}

const MODES: Readonly<Record<string, Mode>> = { t: 'threads', c: 'clients', l: 'turns', e: 'events', g: 'left' };
const PROFILE_KEY: Line = [
  ['   p', 'bold'],
  [' profile of the thread', 'dim'],
];
const PAGE_ROWS = 10;
const STEPS: Readonly<Record<string, number>> = {
  up: -1,
  k: -1,
  down: 1,
  j: 1,
  'page-up': -PAGE_ROWS,
  'page-down': PAGE_ROWS,
};

export class Browsing {
  readonly #questions: Questions;
  readonly #at: Navigation;
  #clients: readonly ListedClient[] = [];
  #left: readonly ClosedClient[] = [];
  /** The newest last. */
  #events: readonly NumberedEvent[] = [];
  /** What is said until the next key. */
  #said: string | undefined;
  #problem: string | undefined;
  readonly #profile: ProfilePane | undefined;

  constructor(questions: Questions, filter: string, sort: string) {
    this.#questions = questions;
    this.#profile = questions.profile && new ProfilePane(questions.profile);
    this.#at = new Navigation(filter, sort);
  }

  /** Asks for what the table shows; a filter that is none is said, and everything else rejects. */
  async refresh(): Promise<void> {
    const { detail, filter, mode, sort } = this.#at;
    if (mode === 'left') this.#left = await this.#questions.left();
    if (mode === 'events' || detail !== undefined) {
      const answer = await this.#questions.events(this.#lastEvent);
      const newer = answer.filter(({ seq }) => seq > this.#lastEvent); // A key and a timer may ask at once.
      this.#events = [...this.#events, ...newer].slice(-MOST_EVENTS);
    }
    if (mode !== 'clients') return;
    const query = new URLSearchParams({ where: whereOf(filter), sort, limit: String(MOST_CLIENTS) });
    try {
      this.#clients = await this.#questions.clients(query);
      this.#problem = undefined;
    } catch (error) {
      if (!(error instanceof HeddleError) || error.code !== 'HEDDLE_INVALID_OPTION') throw error;
      [this.#clients, this.#problem] = [[], error.message];
    }
  }

  get #lastEvent(): number {
    return this.#events.at(-1)?.seq ?? 0;
  }

  /** Whether the key was one of these. Resolves once what it asks for is there. */
  async key(key: string): Promise<boolean> {
    this.#said = undefined;
    const { prompt } = this.#at;
    if (prompt !== undefined) {
      if ('find' in prompt) await this.#find(prompt.find, key);
      else await this.#confirm(prompt.kick, key);
      return true;
    }
    const [step, mode] = [STEPS[key], MODES[key]];
    if (step !== undefined) this.#at.move(step, performance.now());
    else if (mode !== undefined) await this.#goTo(mode);
    else return this.#act(key);
    return true;
  }

  async #act(key: string): Promise<boolean> {
    const at = this.#at;
    if (key === '?') at.hasHelp = !at.hasHelp;
    else if (key === 'escape') this.#back();
    else if (key === 'enter') await this.#enter();
    else if (key === '/') at.prompt = { find: at.filter };
    else if (key === 's') {
      if (at.mode === 'clients') at.nextSort();
      at.release();
      await this.refresh();
    } else if (key === 'p' && this.#profile !== undefined && at.thread !== undefined) {
      this.#profile.start(at.thread);
      at.goTo('profile');
    } else if (key === 'K' && at.mode === 'clients' && this.#questions.kick !== undefined) {
      if (at.cursor !== undefined) at.prompt = { kick: at.cursor };
    } else return false;
    return true;
  }

  /** Nobody looks any more. */
  end(): void {
    this.#profile?.end();
  }

  async #goTo(mode: Mode): Promise<void> {
    this.end();
    this.#at.goTo(mode);
    await this.refresh();
  }

  #back(): void {
    if (this.#at.hasHelp) this.#at.hasHelp = false;
    else if (this.#at.detail !== undefined) this.#at.detail = undefined;
    else {
      this.end();
      this.#at.goTo('threads');
    }
  }

  async #enter(): Promise<void> {
    const { cursor, mode } = this.#at;
    if (cursor === undefined) return;
    if (mode === 'clients') {
      this.#at.detail = cursor;
      await this.refresh();
    }
    if (mode !== 'threads') return;
    this.#at.filter = `thread=${cursor}`;
    await this.#goTo('clients');
  }

  async #find(text: string, key: string): Promise<void> {
    const at = this.#at;
    if (key === 'escape') at.prompt = undefined;
    else if (key === 'backspace') at.prompt = { find: text.slice(0, -1) };
    else if (key === 'enter') {
      [at.prompt, at.filter] = [undefined, text];
      await this.#goTo('clients');
    } else if (/^\P{Cc}$/u.test(key)) at.prompt = { find: text + key };
  }

  async #confirm(id: number, key: string): Promise<void> {
    this.#at.prompt = undefined;
    if (key !== 'y' && key !== 'Y') return;
    const result = await this.#questions.kick?.(id);
    if (result !== undefined) this.#said = `Client #${id} ${KICK_TEXTS[result]}.`;
    await this.refresh();
  }

  lines(view: View, { columns, rows }: Room, footer: Line): Line[] {
    const { cursor, hasHelp, mode } = this.#at;
    if (mode === 'threads' && !hasHelp) {
      this.#at.arranged(view.threads, ({ id }) => id, performance.now());
      return layout(view, { columns, rows, footer: this.#footer ?? footer, cursor });
    }
    const top = [...summaryLines(view, columns), []];
    const lines = [...top, ...this.#shown(view, columns, rows - top.length - 1)].slice(0, Math.max(0, rows - 1));
    while (lines.length < rows - 1) lines.push([]);
    return [...lines, this.#footer ?? footer];
  }

  /** What is below the summary. */
  #shown(view: View, columns: number, room: number): readonly Line[] {
    const { cursor, detail, hasHelp, mode } = this.#at;
    if (hasHelp) return helpLines(this.#questions.kick !== undefined);
    if (mode === 'profile') return this.#profile?.lines ?? [];
    if (mode === 'turns') return codeLines(view.codes.slice(0, Math.max(0, room - 1)));
    if (mode === 'events') return eventLines(this.#events.slice(-Math.max(1, room)), columns);
    if (mode === 'left') return leftLines(this.#left.slice(0, Math.max(0, room - 2)));
    return detail === undefined ? this.#clientTable(room, cursor) : this.#detailLines(detail, columns);
  }

  #clientTable(room: number, cursor: number | undefined): Line[] {
    const at = this.#at;
    const all = at.arranged(this.#clients, ({ id }) => id, performance.now());
    const count = all.length === MOST_CLIENTS ? `the first ${MOST_CLIENTS}` : String(all.length);
    const about: Line = [
      [`clients: ${count}`, 'bold'],
      [`${at.filter === '' ? '' : `, ${at.filter}`}, largest ${at.sort} first`, 'dim'],
      ...(at.thread === undefined || this.#profile === undefined ? [] : PROFILE_KEY),
    ];
    const problem: Line[] = this.#problem === undefined ? [] : [[[this.#problem, 'warn']]];
    const rows = at.visible(all, room - 2 - problem.length);
    return [about, ...problem, ...clientLines(rows, cursor)];
  }

  /** All of a client, and what has happened on its account: how it has blocked threads, and errors of the service. */
  #detailLines(id: number, columns: number): Line[] {
    const client = this.#clients.find((each) => each.id === id);
    const events = this.#events.filter((event) => 'client' in event && event.client === id);
    return [
      ...(client === undefined ? [[[`Client #${id} is not there any more.`, 'warn'] as const]] : detailLines(client)),
      ...(events.length === 0 ? [] : [[], ...eventLines(events, columns)]),
    ];
  }

  /** What stands in the last line in place of keys. */
  get #footer(): Line | undefined {
    const { prompt } = this.#at;
    if (prompt === undefined) return this.#said === undefined ? undefined : [[this.#said, 'warn']];
    if ('find' in prompt) return [['find ', 'bold'], [`${prompt.find}_`]];
    const client = this.#clients.find(({ id }) => id === prompt.kick);
    const about = client === undefined ? `client #${prompt.kick}` : clientText(client);
    const idle = client?.idleMs === undefined ? '' : `, idle ${durationText(client.idleMs)}`;
    return [[`Kick ${about}${idle}? y/N`, 'alarm']];
  }
}
