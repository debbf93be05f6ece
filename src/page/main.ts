/** Starts the page: reads the stream, draws, and listens to keys. */
import type { Frame, Heat, Tick } from '../admin/view/frames.ts';
import type { View } from '../admin/view/view.ts';
import { pictureOn } from './canvas.ts';
import { byId, setText } from './dom.ts';
import { drawHeat } from './draw-heat.ts';
import { drawLoom } from './draw-loom.ts';
import { showLanes } from './lanes.ts';
import { Loom } from './loom.ts';
import { serviceName, showNow, showSlow } from './panels.ts';
import { startSendBox } from './send-box.ts';
import { Stream } from './stream.ts';

const WINDOW_MS = 30_000;
/** On a telephone. */
const NARROW_WINDOW_MS = 14_000;
const NARROW_PX = 900;
const SLOW_MS = 1_000;
/** How often what has changed is read out at most, in ms. */
const SPOKEN_MS = 5_000;
const HEATS = 120;
const TOKEN_KEY = 'heddle-token';
const THEME_KEY = 'heddle-theme';

/** The token is in the address once, and not in the history of the browser. */
function takeToken(): string {
  const given = location.hash.slice(1);
  if (given !== '') {
    sessionStorage.setItem(TOKEN_KEY, given);
    history.replaceState(null, '', location.pathname);
  }
  return sessionStorage.getItem(TOKEN_KEY) ?? '';
}

class Page {
  #loom = new Loom();
  #heats: Heat[] = [];
  #view: View | undefined;
  #isPaused = false;
  #slowAt = -Infinity;
  #drawnAt = -Infinity;
  #spokenAt = -Infinity;
  #spoken = '';
  readonly #isCalm = matchMedia('(prefers-reduced-motion: reduce)');

  hello({
    frames,
    heats,
    ...tick
  }: Tick & { readonly frames: readonly Frame[]; readonly heats: readonly Heat[] }): void {
    if (this.#isPaused) return;
    this.#loom = new Loom();
    for (const frame of frames) this.#loom.add(frame);
    this.#heats = [...heats];
    this.#slowAt = -Infinity;
    this.#show(tick.view);
  }

  tick({ frame, heat, view }: Tick): void {
    if (this.#isPaused) return;
    this.#loom.add(frame);
    if (heat !== undefined) this.#heats.push(heat);
    this.#heats.splice(0, this.#heats.length - HEATS);
    this.#show(view);
  }

  silent(why: string): void {
    setText('silent', why);
    document.body.classList.add('is-silent');
    document.title = '○ no word · heddle';
  }

  pause(): void {
    this.#isPaused = !this.#isPaused;
    byId('pause').setAttribute('aria-pressed', String(this.#isPaused));
    document.body.classList.toggle('is-paused', this.#isPaused);
  }

  draw(): void {
    if (this.#view === undefined) return;
    const now = this.#view.time;
    const windowMs = innerWidth <= NARROW_PX ? NARROW_WINDOW_MS : WINDOW_MS;
    this.#loom.forget(now - windowMs);
    const lanes = this.#loom.threads;
    showLanes(this.#view, lanes);
    const cloth = pictureOn(byId('loom') as HTMLCanvasElement);
    if (cloth !== undefined) drawLoom({ picture: cloth, loom: this.#loom, lanes, now, windowMs });
    const heat = pictureOn(byId('heat') as HTMLCanvasElement);
    if (heat !== undefined) drawHeat(heat, this.#heats, now);
    const { clients } = this.#loom;
    const drawn =
      clients === this.#view.clients
        ? 'each line a client'
        : `each line a client, ${clients} of ${this.#view.clients.toLocaleString('en-US')}`;
    setText('loom-about', `last ${windowMs / 1000} s, ${drawn}`);
  }

  #show(view: View): void {
    this.#view = view;
    document.body.classList.remove('is-silent');
    showNow(view);
    const isBlocked = view.verdict.blocked.length > 0;
    document.title = `${isBlocked ? '● blocked' : '○'} · ${serviceName(view.server)}`;
    if (view.time - this.#slowAt >= SLOW_MS || view.time < this.#slowAt) {
      this.#slowAt = view.time;
      showSlow(view);
    }
    this.#speak(view);
    const everyMs = this.#isCalm.matches ? SLOW_MS : 0;
    if (view.time - this.#drawnAt < everyMs) return;
    this.#drawnAt = view.time;
    this.draw();
  }

  /** A screen reader hears which threads are blocked, when that changes. */
  #speak({ time, verdict }: View): void {
    const state = `${verdict.waiting > 0} ${verdict.blocked.map(({ thread }) => thread).join(' ')}`;
    if (state === this.#spoken || time - this.#spokenAt < SPOKEN_MS) return;
    [this.#spoken, this.#spokenAt] = [state, time];
    setText('spoken', verdict.text);
  }
}

const token = takeToken();
const page = new Page();
const stream = new Stream(page, token);

function nextTheme(): void {
  const root = document.documentElement;
  const isDark =
    root.dataset['theme'] === undefined
      ? matchMedia('(prefers-color-scheme: dark)').matches
      : root.dataset['theme'] === 'dark';
  root.dataset['theme'] = isDark ? 'light' : 'dark';
  sessionStorage.setItem(THEME_KEY, root.dataset['theme']);
  page.draw();
}

function toggleWall(): void {
  document.body.classList.toggle('is-wall');
  page.draw();
}

const KEYS: Readonly<Record<string, () => void>> = {
  ' ': () => page.pause(),
  t: nextTheme,
  f: toggleWall,
  '/': () => byId('send-text').focus(),
};

document.addEventListener('keydown', (event) => {
  const isTyping = event.target instanceof Element && event.target.closest('input, select, button, summary') !== null;
  const act = KEYS[event.key];
  if (isTyping || act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  act();
});
document.addEventListener('visibilitychange', () => (document.hidden ? stream.close() : stream.open()));
addEventListener('resize', () => page.draw());
byId('pause').addEventListener('click', () => page.pause());
byId('theme').addEventListener('click', nextTheme);
byId('wall').addEventListener('click', toggleWall);

const theme = sessionStorage.getItem(THEME_KEY);
if (theme !== null) document.documentElement.dataset['theme'] = theme;
startSendBox(token);
stream.open();
