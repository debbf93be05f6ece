/** Keeps what is seen of a server, and shows it: as it is now, or as it was at a moment of the last ten minutes. */
import type { Heat, Rights, Tick } from '../admin/view/frames.ts';
import { Loom } from '../admin/view/loom.ts';
import { type View, viewAt } from '../admin/view/view.ts';
import type { ClientTable } from './client-table.ts';
import { byId, isOpen, setText } from './dom.ts';
import type { Cloth } from './draw-loom.ts';
import { showMood } from './favicon.ts';
import { showHeats } from './heat-table.ts';
import { showLanes } from './lanes.ts';
import { serviceName, showNow, showSlow, showThreads, showVerdict } from './panels.ts';
import { Pictures } from './pictures.ts';
import type { Known, News } from './stream.ts';

const WINDOW_MS = 30_000;
/** On a telephone. */
const NARROW_WINDOW_MS = 14_000;
const NARROW = '(max-width: 900px)';
const HISTORY_MS = 600_000;
const SLOW_MS = 1_000;
/** How often the cloth goes on; the server tells nothing while nothing changes. */
const DRAW_MS = 250;
/** No longer than this after the last word, in ms. */
const LONGEST_SILENCE_MS = 1_500;
/** The server tells something once a second at least. Without a word for this long, the page says so, in ms. */
const SILENT_MS = 3_000;
/** Why is not known: nobody has told the page. */
const UNHEARD =
  'The server, the command heddle page or the tab that reads for this one stands still: close that tab, or restart the command.';
/** How often what has changed is read out at most, in ms. */
const SPOKEN_MS = 5_000;

type Part = Pick<Cloth, 'lanes' | 'now' | 'windowMs'>;

export class LivePage {
  readonly #table: ClientTable;
  readonly #pictures = new Pictures(() => this.#drawPictures(this.#part));
  readonly #narrow = matchMedia(NARROW);
  #loom = new Loom();
  #heats: Heat[] = [];
  #view: View | undefined;
  #rights: Rights = { kick: false, send: false };
  /** The moment that is shown; `undefined`: now. */
  #at: number | undefined;
  #lane: number | undefined;
  #slowAt = -Infinity;
  /** When the last word came, by the clock of the page. */
  #heardAt = performance.now();
  #isSilent = false;
  #spokenAt = -Infinity;
  #spoken = '';

  constructor(table: ClientTable) {
    this.#table = table;
    const calm = matchMedia('(prefers-reduced-motion: reduce)');
    let drawnAt = 0;
    setInterval(() => {
      if (document.hidden) return;
      this.#saySilence();
      if (this.isPaused || (calm.matches && performance.now() - drawnAt < SLOW_MS)) return;
      drawnAt = performance.now();
      this.#goOn();
    }, DRAW_MS);
  }

  /** By the server's clock. */
  get #now(): number {
    const silent = performance.now() - this.#heardAt;
    return (this.#view?.time ?? 0) + Math.min(silent, LONGEST_SILENCE_MS);
  }

  get isPaused(): boolean {
    return this.#at !== undefined;
  }

  take([name, data]: News): void {
    if (name === 'hello') this.#hello(data);
    else if (name === 'tick') this.#tick(data);
    else this.#silent(data);
  }

  /** A tab that was hidden begins to listen: that it has heard nothing before says nothing. */
  listen(): void {
    this.#heardAt = performance.now();
  }

  /** What a page that has just come has to know. */
  get known(): Known | undefined {
    return this.#view && { rights: this.#rights, view: this.#view, loom: this.#loom.state, heats: this.#heats };
  }

  #hello({ heats, loom, rights, view }: Known): void {
    this.#rights = rights;
    this.#table.mayKick = rights.kick;
    document.body.classList.toggle('may-send', rights.send);
    document.body.classList.toggle('may-kick', rights.kick);
    this.#loom = Loom.from(loom);
    this.#heats = [...heats];
    this.#slowAt = -Infinity;
    this.#show(view);
    this.draw();
  }

  #tick({ frame, heat, verdict, view }: Tick): void {
    this.#loom.add(frame);
    if (heat !== undefined) this.#heats.push(heat);
    const oldest = Math.min(frame.time, this.#at ?? Infinity) - HISTORY_MS;
    if (view !== undefined) this.#loom.forget(oldest);
    while ((this.#heats[0]?.time ?? oldest) < oldest) this.#heats.shift();
    const shown = view ?? (this.#view && viewAt(this.#view, frame.time, verdict));
    if (shown !== undefined) this.#show(shown);
  }

  #silent(why: string): void {
    this.#isSilent = true;
    setText('silent-why', why);
    document.body.classList.add('is-silent');
    showMood('silent', this.#view === undefined ? 'heddle' : serviceName(this.#view.server));
  }

  /** A screen reader reads the reason once, and no seconds. */
  #saySilence(): void {
    const silentMs = performance.now() - this.#heardAt;
    if (silentMs >= SILENT_MS && !this.#isSilent) this.#silent(UNHEARD);
    const seconds = Math.floor(silentMs / 1000);
    if (this.#isSilent) setText('silent-for', seconds === 0 ? '' : `No word for ${seconds} s.`);
  }

  /** Goes `ms` on, or back; on to now. */
  travel(ms: number): void {
    const now = this.#now;
    const at = (this.#at ?? now) + ms;
    this.stopAt(at >= now ? undefined : at);
  }

  togglePause(): void {
    this.stopAt(this.#at === undefined ? this.#now : undefined);
  }

  stopAt(at: number | undefined): void {
    this.#at = at && Math.max(at, this.#now - HISTORY_MS, this.#loom.since);
    byId('pause').setAttribute('aria-pressed', String(this.isPaused));
    document.body.classList.toggle('is-paused', this.isPaused);
    if (this.#view === undefined) return;
    if (at === undefined) showNow(this.#view);
    else showVerdict(this.#heats.find(({ time }) => time >= (this.#at ?? 0))?.said ?? this.#view.verdict.text);
    this.draw();
  }

  /** `share`: of the ten minutes, from 0 for the oldest moment to 1 for now. */
  scrub(share: number): void {
    const now = this.#now;
    this.stopAt(share >= 1 ? undefined : now - (1 - share) * HISTORY_MS);
  }

  /** Picks out a lane, or none if it was. */
  choose(lane: number): void {
    this.#lane = this.#lane === lane ? undefined : lane;
    this.#table.choose(this.#lane);
    this.draw();
  }

  /** Fills the tables that were opened. */
  showWords(): void {
    if (this.#view !== undefined && isOpen('threads-words')) showThreads(this.#view);
    this.draw();
  }

  /** All of it, as it may have another theme or show another time. */
  draw(): void {
    this.#pictures.renew();
    this.#goOn();
  }

  #goOn(): void {
    if (this.#view === undefined) return;
    const part = this.#part;
    showLanes(this.#view, part.lanes, this.#lane);
    this.#drawPictures(part);
    if (isOpen('heat-words')) showHeats(this.#heats, part.now);
    this.#sayWhen(part);
  }

  /** What is shown of the loom. */
  get #part(): Part {
    const now = this.#at ?? this.#now;
    const windowMs = this.#narrow.matches ? NARROW_WINDOW_MS : WINDOW_MS;
    return { now, windowMs, lanes: this.#loom.threads(now - windowMs, now) };
  }

  /** Writes to no element: their sizes are being looked at. */
  #drawPictures(part: Part): void {
    const end = this.isPaused ? clockText(part.now) : 'now';
    this.#pictures.draw({ ...part, loom: this.#loom, end, chosen: this.#lane }, this.#heats);
  }

  #sayWhen({ now, windowMs }: Part): void {
    const { clients } = this.#view as View;
    const drawn = this.#loom.clients === clients ? '' : `, ${this.#loom.clients} of ${clients.toLocaleString('en-US')}`;
    const until = this.isPaused ? ` until ${clockText(now)}` : '';
    setText('loom-about', `${windowMs / 1000} s${until}, each line a client${drawn}`);
    const slider = byId('past') as HTMLInputElement;
    const back = Math.round((this.#now - now) / 1000);
    if (slider.valueAsNumber !== -back) slider.value = String(-back);
    const when = back === 0 ? 'now' : `${back} seconds ago`;
    if (slider.getAttribute('aria-valuetext') !== when) slider.setAttribute('aria-valuetext', when);
    setText('past-text', back === 0 ? 'now' : `−${Math.floor(back / 60)}:${String(back % 60).padStart(2, '0')}`);
  }

  #show(view: View): void {
    this.#view = view;
    this.#heardAt = performance.now();
    this.#isSilent = false;
    document.body.classList.remove('is-silent');
    const { blocked, waiting } = view.verdict;
    showMood(waiting > 0 ? 'waiting' : blocked.length > 0 ? 'blocked' : 'well', serviceName(view.server));
    this.#speak(view);
    if (this.isPaused) return;
    showNow(view);
    if (view.time - this.#slowAt >= SLOW_MS || view.time < this.#slowAt) {
      this.#slowAt = view.time;
      showSlow(view);
    }
  }

  /** A screen reader hears which threads are blocked, when that changes. */
  #speak({ time, verdict }: View): void {
    const state = `${verdict.waiting > 0} ${verdict.blocked.map(({ thread }) => thread).join(' ')}`;
    if (state === this.#spoken || time - this.#spokenAt < SPOKEN_MS) return;
    [this.#spoken, this.#spokenAt] = [state, time];
    setText('spoken', verdict.text);
  }
}

function clockText(time: number): string {
  return new Date(time).toTimeString().slice(0, 8);
}
