/** Starts the page: reads the stream, and listens to keys. */
import { ClientTable } from './client-table.ts';
import { byId } from './dom.ts';
import { LivePage } from './live-page.ts';
import { startSendBox } from './send-box.ts';
import { SharedStream } from './shared-stream.ts';
import { startStacks } from './stacks.ts';

const TOKEN_KEY = 'heddle-token';
const THEME_KEY = 'heddle-theme';
/** How far an arrow goes, alone and with Shift, in ms. */
const [STEP_MS, LEAP_MS] = [1_000, 30_000];

/** The token is in the address once, and not in the history of the browser. */
function takeToken(): string {
  const given = location.hash.slice(1);
  if (given !== '') {
    sessionStorage.setItem(TOKEN_KEY, given);
    history.replaceState(null, '', location.pathname);
  }
  return sessionStorage.getItem(TOKEN_KEY) ?? '';
}

const token = takeToken();
const table = new ClientTable(token, () => !page.isPaused && !document.hidden);
const page = new LivePage(table);
const stream = new SharedStream(page, token);

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

/** Opens the tables that say what the pictures show, or closes them. */
function toggleWords(): void {
  const all = [...document.querySelectorAll<HTMLDetailsElement>('details.words')];
  const isOpen = all.every(({ open }) => open);
  for (const each of all) each.open = !isOpen;
}

function showKeys(): void {
  (byId('keys') as HTMLDialogElement).showModal();
}

const KEYS: Readonly<Record<string, (event: KeyboardEvent) => void>> = {
  ' ': () => page.togglePause(),
  ArrowLeft: ({ shiftKey }) => page.travel(shiftKey ? -LEAP_MS : -STEP_MS),
  ArrowRight: ({ shiftKey }) => page.travel(shiftKey ? LEAP_MS : STEP_MS),
  End: () => page.stopAt(undefined),
  t: nextTheme,
  f: toggleWall,
  T: toggleWords,
  '/': () => table.focus(),
  '?': showKeys,
};

/** Where such an element has the focus, keys are the element's. */
const OWN_KEYS = 'input, select, dialog';
/** These take Space only. */
const SPACE_KEYS = 'button, summary';

document.addEventListener('keydown', (event) => {
  const { altKey, ctrlKey, key, metaKey, target } = event;
  if (ctrlKey || metaKey || altKey || !(target instanceof Element)) return;
  if (target.closest(OWN_KEYS) !== null || (key === ' ' && target.closest(SPACE_KEYS) !== null)) return;
  const act = /^[1-9]$/.test(key) ? () => page.choose(Number(key)) : KEYS[key];
  if (act === undefined) return;
  event.preventDefault();
  act(event);
});
document.addEventListener('visibilitychange', () => {
  if (document.hidden) return stream.close();
  page.listen();
  stream.open();
});
addEventListener('resize', () => page.draw());
const on = (id: string, act: () => void): void => byId(id).addEventListener('click', act);
on('pause', () => page.togglePause());
on('theme', nextTheme);
on('wall', toggleWall);
on('help', showKeys);
for (const button of document.querySelectorAll('[data-close]'))
  button.addEventListener('click', () => button.closest('dialog')?.close());
byId('lane-names').addEventListener('click', ({ target }) => {
  const lane = (target as Element).closest<HTMLElement>('[data-lane]')?.dataset['lane'];
  if (lane !== undefined) page.choose(Number(lane));
});
byId('past').addEventListener('input', ({ target }) => {
  const { max, min, valueAsNumber } = target as HTMLInputElement;
  page.scrub(1 - (Number(max) - valueAsNumber) / (Number(max) - Number(min)));
});
for (const words of document.querySelectorAll('details.words'))
  words.addEventListener('toggle', () => page.showWords());

const theme = sessionStorage.getItem(THEME_KEY);
if (theme !== null) document.documentElement.dataset['theme'] = theme;
startSendBox(token);
startStacks();
if (!document.hidden) stream.open();
