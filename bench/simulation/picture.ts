/** Draws the worst waits of light clients against the number of heavy ones, as SVG. */
import { fixed } from '../harness/numbers.ts';
import { type Outcome, type Way, WAYS } from './scenario.ts';
import { NAMES } from './tables.ts';

/** What was found beside so many heavy clients. */
export interface Point {
  readonly heavy: number;
  readonly outcomes: Readonly<Record<Way, Outcome>>;
}

const WIDTH = 860;
const HEIGHT = 470;
const [LEFT, RIGHT, TOP, BOTTOM] = [70, 150, 84, 60];
const COLOURS: Readonly<Record<Way, string>> = {
  heddle: '#3fb950',
  before: '#f4463c',
  go: '#58a6ff',
  erlang: '#d29922',
};
/** The lowest and the highest wait that is drawn, in ms. */
const [LEAST, MOST] = [0.1, 10_000];

const STYLE = [
  'text{font:13px ui-sans-serif,system-ui,"Segoe UI",Helvetica,Arial,sans-serif;fill:#c9d1d9}',
  '.title{font-size:19px;font-weight:600;fill:#f0f6fc}.end{text-anchor:end}.middle{text-anchor:middle}.dim{fill:#8b949e}',
  '.grid{stroke:#21262d;fill:none}.axis{stroke:#484f58;fill:none}',
  ...WAYS.map((way) => `.${way}{stroke:${COLOURS[way]};stroke-width:2.5;fill:none}.${way}-name{fill:${COLOURS[way]}}`),
  '.first{stroke-width:1.5;stroke-dasharray:3 4}',
].join('');

const escape = (words: string): string => words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function text(x: number, y: number, words: string, name = ''): string {
  return `<text x="${fixed(x, 1)}" y="${fixed(y, 1)}" class="${name}">${escape(words)}</text>`;
}

function yOf(wait: number): number {
  const share = Math.log(Math.min(MOST, Math.max(LEAST, wait)) / LEAST) / Math.log(MOST / LEAST);
  return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
}

function scaleX(points: readonly Point[]): (heavy: number) => number {
  const most = Math.log2(points.at(-1)?.heavy ?? 2);
  return (heavy) => LEFT + (Math.log2(heavy) / most) * (WIDTH - LEFT - RIGHT);
}

function line(points: readonly Point[], way: Way, of: (outcome: Outcome) => number, name: string): string {
  const x = scaleX(points);
  const path = points.map(({ heavy, outcomes }) => `${fixed(x(heavy), 1)} ${fixed(yOf(of(outcomes[way])), 1)}`);
  return `<path class="${name}" d="M${path.join('L')}"/>`;
}

function grid(points: readonly Point[]): string[] {
  const x = scaleX(points);
  const waits = [0.1, 1, 10, 100, 1000, 10_000];
  const right = WIDTH - RIGHT;
  return [
    ...waits.map((wait) => `<path class="grid" d="M${LEFT} ${fixed(yOf(wait), 1)}H${right}"/>`),
    ...waits.map((wait) => text(LEFT - 10, yOf(wait) + 4, wait.toLocaleString('en-GB'), 'end dim')),
    `<path class="axis" d="M${LEFT} ${HEIGHT - BOTTOM}H${right}"/>`,
    ...points.map(({ heavy }) => text(x(heavy), HEIGHT - BOTTOM + 20, String(heavy), 'middle dim')),
    text(
      (LEFT + right) / 2,
      HEIGHT - 14,
      'heavy clients, each asks without a pause for 200 ms of CPU a message',
      'middle',
    ),
    text(LEFT - 50, TOP - 12, 'ms', 'dim'),
  ];
}

/** The names at the right end, as near to their lines as there is room for. */
function names(points: readonly Point[]): string[] {
  const last = points.at(-1) as Point;
  const order = [...WAYS].sort((one, other) => last.outcomes[other].worst - last.outcomes[one].worst);
  let lowest = 0;
  return order.map((way) => {
    lowest = Math.max(lowest + 18, yOf(last.outcomes[way].worst) + 4);
    return text(WIDTH - RIGHT + 10, lowest, NAMES[way], `${way}-name`);
  });
}

/** On a background of its own: it reads the same on a light and a dark page. */
export function drawWorstWaits(points: readonly Point[], cpus: number, lights: number): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img">`,
    `<title>Worst wait of light clients beside heavy ones, simulated</title><style>${STYLE}</style>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="10" fill="#0d1117"/>`,
    text(20, 34, `Worst wait of ${lights} light clients, ${cpus} CPUs, simulated`, 'title'),
    text(20, 56, 'Solid: from 2 s after the heavy clients came. Dotted: in those first 2 s.', 'dim'),
    ...grid(points),
    ...WAYS.map((way) => line(points, way, ({ worstFirst }) => worstFirst, `${way} first`)),
    ...WAYS.map((way) => line(points, way, ({ worst }) => worst, way)),
    ...names(points),
    '</svg>\n',
  ].join('\n');
}
