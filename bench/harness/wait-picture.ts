/** Draws what clients saw: each a line over time, its waits in colour. Used for the picture in the documentation. */
import { fixed, grouped } from './numbers.ts';
import type { Reply } from './trace.ts';

export interface Panel {
  readonly title: string;
  readonly replies: readonly Reply[];
}

export interface Scene {
  readonly lights: number;
  readonly burners: number;
  readonly burnMs: number;
  /** How much time the picture shows, from the start of the measured time. */
  readonly ms: number;
}

const WIDTH = 1_120;
const LEFT = 150;
const RIGHT = 20;
const ROW = 8;
const BURN_ROW = 10;
const TOP = 76;
const PANEL_HEAD = 34;
const PANEL_GAP = 22;
const FOOT = 62;
/** Between one wait and the next of a client that says its next line at once. */
const GAP = 1;

/** Waits up to `upTo` ms are drawn in `colour`; the first are replies at once, drawn as dots. */
const SHADES = [
  { name: 'quick', upTo: 5, colour: '#a9b1ba', label: 'answered within 5 ms' },
  { name: 'short', upTo: 20, colour: '#f2d64b', label: 'waited 5–20 ms' },
  { name: 'long', upTo: 100, colour: '#f0883e', label: '20–100 ms' },
  { name: 'awful', upTo: Infinity, colour: '#f4463c', label: 'over 100 ms' },
] as const;
const BURN_COLOUR = '#4184e4';

const STYLE = [
  'text{font:13px ui-sans-serif,system-ui,"Segoe UI",Helvetica,Arial,sans-serif;fill:#c9d1d9}',
  '.title{font-size:19px;font-weight:600;fill:#f0f6fc}',
  '.name{font-size:16px;font-weight:600;fill:#f0f6fc}',
  '.end{text-anchor:end}.dim{fill:#8b949e}',
  '.axis{stroke:#30363d;stroke-width:1;fill:none}',
  ...SHADES.map(
    ({ name, colour }) => `.${name}{stroke:${colour};stroke-width:${name === 'quick' ? 3 : ROW - 2};fill:none}`,
  ),
  `.burn{stroke:${BURN_COLOUR};stroke-width:${BURN_ROW - 3};fill:none}`,
].join('');

const number = (value: number): string => String(Math.round(value * 10) / 10);

const escape = (words: string): string => words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function text(x: number, y: number, words: string, name = ''): string {
  return `<text x="${number(x)}" y="${number(y)}"${name === '' ? '' : ` class="${name}"`}>${escape(words)}</text>`;
}

interface Bar {
  readonly from: number;
  readonly to: number;
  readonly y: number;
}

/** One path for many bars, each placed from where the last one ended: a picture of thousands stays small. */
function path(name: string, bars: readonly Bar[]): string {
  if (bars.length === 0) return '';
  let [x, y] = [0, 0];
  const steps = bars.map((bar) => {
    const [from, length] = [Math.round(bar.from * 10), Math.max(10, Math.round((bar.to - bar.from) * 10))];
    const step = `m${(from - x) / 10} ${Math.round((bar.y - y) * 10) / 10}h${length / 10}`;
    [x, y] = [from + length, bar.y];
    return step;
  });
  return `<path class="${name}" d="${steps.join('')}"/>`;
}

const scale = (scene: Scene): number => (WIDTH - LEFT - RIGHT) / scene.ms;

/** A wait as a bar, cut at the edges of the picture; `undefined` if it is outside. */
function toBar({ askedMs, waitMs }: Reply, y: number, scene: Scene): Bar | undefined {
  const [from, to] = [Math.max(0, askedMs), Math.min(scene.ms, askedMs + waitMs)];
  if (to <= from) return undefined;
  return { from: LEFT + from * scale(scene), to: LEFT + to * scale(scene), y };
}

function drawLights(replies: readonly Reply[], top: number, scene: Scene): string[] {
  return SHADES.map(({ name, upTo }, index) => {
    const above = SHADES[index - 1]?.upTo ?? -1;
    const shaded = replies.filter(({ kind, waitMs }) => kind === 'light' && waitMs > above && waitMs <= upTo);
    const bars = shaded.flatMap((reply) => toBar(reply, top + (reply.client + 0.5) * ROW, scene) ?? []);
    const drawn = bars.map(({ from, to, y }) => ({ from, to: name === 'quick' ? from + 1 : to - GAP, y }));
    return path(name, drawn);
  });
}

function drawBurners(replies: readonly Reply[], top: number, scene: Scene): string {
  const burns = replies.filter(({ kind }) => kind === 'burn');
  const bars = burns.flatMap((reply) => {
    const bar = toBar(reply, top + (reply.client - scene.lights + 0.5) * BURN_ROW, scene);
    return bar === undefined ? [] : [{ ...bar, to: bar.to - GAP }];
  });
  return path('burn', bars);
}

/** What the light clients saw in the time that is drawn. */
function summary(replies: readonly Reply[], scene: Scene): string {
  const seen = replies.filter(({ kind, askedMs, waitMs }) => {
    return kind === 'light' && askedMs < scene.ms && askedMs + waitMs > 0;
  });
  const worst = seen.reduce((most, { waitMs }) => Math.max(most, waitMs), 0);
  return `worst wait ${fixed(worst, worst < 10 ? 1 : 0)} ms · ${grouped(seen.length)} replies`;
}

const lightsHeight = (scene: Scene): number => scene.lights * ROW;
const burnersHeight = (scene: Scene): number => scene.burners * BURN_ROW;
const panelHeight = (scene: Scene): number => PANEL_HEAD + lightsHeight(scene) + 8 + burnersHeight(scene) + PANEL_GAP;

function drawPanel({ title, replies }: Panel, top: number, scene: Scene): string[] {
  const lights = top + PANEL_HEAD;
  const burners = lights + lightsHeight(scene) + 8;
  return [
    text(LEFT, top + 22, title, 'name'),
    text(WIDTH - RIGHT, top + 22, summary(replies, scene), 'end'),
    text(LEFT - 12, lights + lightsHeight(scene) / 2 + 4, `${scene.lights} light clients`, 'end dim'),
    text(
      LEFT - 12,
      burners + burnersHeight(scene) / 2 + 4,
      scene.burners === 1 ? '1 burner' : `${scene.burners} burners`,
      'end dim',
    ),
    `<path class="axis" d="M${LEFT} ${number(burners - 4)}H${WIDTH - RIGHT}"/>`,
    ...drawLights(replies, lights, scene),
    drawBurners(replies, burners, scene),
  ];
}

function drawAxis(y: number, scene: Scene): string[] {
  const step = 500;
  const marks = Array.from({ length: Math.floor(scene.ms / step) + 1 }, (_, index) => index * step);
  return marks.flatMap((ms) => {
    const x = LEFT + ms * scale(scene);
    return [
      `<path class="axis" d="M${number(x)} ${y}v5"/>`,
      text(x + (ms === scene.ms ? 0 : -8), y + 20, `${ms / 1_000} s`, ms === scene.ms ? 'end dim' : 'dim'),
    ];
  });
}

function drawLegend(y: number, scene: Scene): string[] {
  const entries = [
    ...SHADES.map(({ name, label }) => ({ name, label })),
    { name: 'burn', label: `burns ${scene.burnMs} ms of CPU time` },
  ];
  let x = LEFT;
  return entries.flatMap(({ name, label }) => {
    const at = x;
    x += 34 + label.length * 7.2 + 14;
    const sample =
      name === 'quick' ? [0, 6, 12, 18].map((dot) => `M${at + dot} ${y - 4}h1`).join('') : `M${at} ${y - 4}h22`;
    return [`<path class="${name}" d="${sample}"/>`, text(at + 30, y, label)];
  });
}

const subtitle = ({ ms }: Scene): string =>
  `Each row is one client: it says a line, waits for the reply, and says the next about 10 ms later. ${ms / 1_000} s of one run.`;

/** Draws the panels one above the other, as SVG on a background of its own: it reads the same on a light and a dark page. */
export function drawWaits(panels: readonly Panel[], scene: Scene): string {
  const bottom = TOP + panels.length * panelHeight(scene);
  const height = bottom + FOOT;
  const who = scene.burners === 1 ? 'one client that burns' : `${scene.burners} clients that burn`;
  const title = `${scene.lights} light clients beside ${who} ${scene.burnMs} ms a message, on 2 cores`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escape(title)}</title><style>${STYLE}</style>`,
    `<rect width="${WIDTH}" height="${height}" rx="10" fill="#0d1117"/>`,
    text(20, 36, title, 'title'),
    text(20, 58, subtitle(scene), 'dim'),
    ...panels.flatMap((panel, index) => drawPanel(panel, TOP + index * panelHeight(scene), scene)),
    ...drawAxis(bottom - 12, scene),
    ...drawLegend(height - 16, scene),
    '</svg>\n',
  ].join('\n');
}
