/** How long do light clients wait at worst beside clients that keep the threads busy, from when those come on? */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { between, isHeddle, later, mostThreads, runBeside } from '../harness/beside.ts';
import type { ClientSample, LoadWindow } from '../harness/client-load.ts';
import { judgeNoWait, type NoWaitFigures, type NoWaitWindow } from '../harness/no-wait-verdicts.ts';
import { fixed, median, spread } from '../harness/numbers.ts';
import type { ServerName, ServerProgram } from '../harness/programs.ts';
import { type Answer, type Bench, contestants, type NoWaitChoice, type Question, wanted } from '../harness/question.ts';
import { interleave, type Samples } from '../harness/rounds.ts';
import type { Table } from '../harness/table.ts';
import { readTrace } from '../harness/trace.ts';
import type { Verdict } from '../harness/verdict.ts';
import { inMs, inThousands, WaitFigures } from '../harness/wait-figures.ts';
import { drawWaits } from '../harness/wait-picture.ts';

const LIGHTS = 32;
const THINK_MS = 10;
const BURN_MS = 200;
/** Addresses, where each burner has its own. */
const MANY = 250;
const DRAWN_MS = 2_500;
const DRAWN: readonly ServerName[] = ['heddle-burn', 'cluster-burn'];

type Sample = ClientSample<'light' | 'burn', NoWaitWindow>;
type Addresses = NoWaitChoice['addresses'][number];
/** Heddle is asked from one address and from many; its peers do not look at addresses. */
type Turn = Readonly<Partial<Record<Addresses, Sample>>>;

/** One load that all servers have to bear. */
interface Scene {
  readonly lights: NoWaitChoice['lights'][number];
  readonly burners: number;
}

/** From when burners come to a fresh server. */
function windowsOf(ms: number): Readonly<Record<NoWaitWindow, LoadWindow>> {
  return {
    cold: between(0, 2_000, ms),
    settling: between(300, 2_000, ms),
    learned: between(2_000, 5_000, ms),
    steady: between(5_000, ms, ms),
    after2s: between(2_000, ms, ms),
    first5s: between(0, 5_000, ms),
    all: between(0, ms, ms),
  };
}

const traceOf = (bench: Bench, name: ServerName): string => join(bench.programs.folder, `${name}.trace`);

function measure(
  bench: Bench,
  program: ServerProgram,
  { lights, burners }: Scene,
  addresses: Addresses,
  traced: boolean,
): Promise<Sample> {
  const sources = addresses === 'one' ? 1 : MANY;
  return runBeside<'light' | 'burn', NoWaitWindow>(bench, program, {
    groups: {
      light: { clients: LIGHTS, kind: 'light', ...(lights === 'pauses' && { thinkMs: THINK_MS }) },
      burn: { clients: burners, kind: bench.noWait.burn, burnMs: BURN_MS, comeMs: bench.warmMs, sources },
    },
    windows: later(windowsOf(bench.ms), bench.warmMs),
    ms: bench.warmMs + bench.ms,
    ...(traced && { trace: traceOf(bench, program.name) }),
  });
}

/** Whether a scene is asked of Heddle once for each choice of addresses. */
const byAddress = (name: ServerName, scene: Scene): boolean => isHeddle(name) && scene.lights === 'fast';

/** One server's turn in a round. */
async function takeTurn(bench: Bench, program: ServerProgram, scene: Scene, traced: boolean): Promise<Turn> {
  const { addresses } = bench.noWait;
  const asked = byAddress(program.name, scene) ? addresses : addresses.slice(0, 1);
  const turn: Partial<Record<Addresses, Sample>> = {};
  for (const from of asked) turn[from] = await measure(bench, program, scene, from, traced);
  return turn;
}

function figuresOf(bench: Bench, samples: Samples<Turn>, name: ServerName, from: Addresses): NoWaitFigures {
  const own = (samples.get(name) ?? []).flatMap((turn) => turn[from] ?? []);
  return new WaitFigures(own, windowsOf(bench.ms));
}

const COLUMNS = ['server', '0–2 s', '0.3–2 s', '2–5 s', 'p99', 'k msg/s', '5 s on', 'p99', 'k msg/s'];
const OTHER_COLUMNS = ['burns/s', 'CPUs', 'turns', 'late', 'others'];

/** Of a cluster's CPU time only the primary's is known. */
function row(bench: Bench, name: ServerName, title: string, figures: NoWaitFigures): string[] {
  const burns = figures.rate('after2s', 'burn');
  const p99 = (window: NoWaitWindow): string => fixed(median(figures.p99(window, 'light')), 2);
  return [
    title,
    inMs(figures.worst('cold', 'light')),
    inMs(figures.worst('settling', 'light')),
    inMs(figures.worst('learned', 'light')),
    p99('learned'),
    inThousands(figures.rate('learned', 'light')),
    inMs(figures.worst('steady', 'light')),
    p99('steady'),
    inThousands(figures.rate('steady', 'light')),
    spread(burns, 1),
    bench.noWait.burn === 'wall' ? '–' : fixed((median(burns) * BURN_MS) / 1_000, 2),
    figures.turns('all', 'burn'),
    figures.late('all'),
    name === 'cluster-burn' ? '–' : fixed(median(figures.others('all')), 2),
  ];
}

const how = ({ lights }: Scene): string =>
  lights === 'fast' ? 'that talk as fast as they can' : `that say a line every ${THINK_MS} ms`;
const from = (addresses: Addresses): string => (addresses === 'one' ? 'one address' : 'many addresses');

function table(bench: Bench, scene: Scene, servers: readonly ServerProgram[], samples: Samples<Turn>): Table {
  const rows = servers.flatMap(({ name, title }) =>
    bench.noWait.addresses.flatMap((addresses) => {
      const figures = figuresOf(bench, samples, name, addresses);
      const full = byAddress(name, scene) ? `${title}, ${from(addresses)}` : title;
      return figures.rounds === 0 ? [] : [row(bench, name, full, figures)];
    }),
  );
  const what = bench.noWait.burn === 'cpu' ? 'of CPU' : 'of time';
  const title = `no-wait: worst wait in ms of ${LIGHTS} clients ${how(scene)}, beside ${scene.burners} that burn ${BURN_MS} ms ${what} a message`;
  return { title, columns: [...COLUMNS, ...OTHER_COLUMNS], rows };
}

function judge(bench: Bench, scene: Scene, samples: Samples<Turn>): Verdict[] {
  if (!wanted(bench.programs, 'heddle-burn')) return [];
  const [first = 'one'] = bench.noWait.addresses;
  return bench.noWait.addresses.flatMap((addresses) => {
    const figures = (name: ServerName, asked: Addresses): NoWaitFigures => figuresOf(bench, samples, name, asked);
    const own = figures('heddle-burn', addresses);
    if (own.rounds === 0) return [];
    return judgeNoWait({
      what: `no-wait, lights ${scene.lights}, ${scene.burners} burners of ${from(addresses)}`,
      ...scene,
      most: mostThreads(bench),
      countsCpu: bench.noWait.burn === 'cpu',
      own,
      old: figures('heddle-burn:old', addresses),
      go: figures('go-burn', first),
      erlang: figures('erlang-burn', first),
    });
  });
}

/** Draws what lights that pause saw from 2 s on in the last round, whatever it was like. */
function draw(bench: Bench, file: string, { burners }: Scene): void {
  const ms = Math.min(DRAWN_MS, bench.ms);
  const fromMs = bench.warmMs + Math.min(2_000, bench.ms - ms);
  const panels = DRAWN.flatMap((name) => {
    const program = bench.programs.servers.get(name);
    if (program === undefined) return [];
    return [{ title: program.title, replies: readTrace(traceOf(bench, name), fromMs, LIGHTS) }];
  });
  writeFileSync(file, drawWaits(panels, { lights: LIGHTS, burners, burnMs: BURN_MS, ms }));
  bench.progress(`drew ${file}`);
}

/** Beside lights that leave no CPU, Node's cluster serves hardly anybody: it is asked only of those that pause. */
function contestantsOf(bench: Bench, scene: Scene): ServerProgram[] {
  const servers = contestants(noWait, bench.programs);
  return scene.lights === 'pauses' ? servers : servers.filter(({ name }) => name !== 'cluster-burn');
}

async function askScene(bench: Bench, scene: Scene, picture: string | undefined): Promise<Answer> {
  bench.progress(`no-wait, lights ${scene.lights}, beside ${scene.burners}`);
  const servers = contestantsOf(bench, scene);
  const samples = await interleave(bench, servers, bench.rounds, (program) =>
    takeTurn(bench, program, scene, picture !== undefined && DRAWN.includes(program.name)),
  );
  if (picture !== undefined) draw(bench, picture, scene);
  return {
    tables: [table(bench, scene, servers, samples)],
    verdicts: judge(bench, scene, samples),
    samples: Object.fromEntries(samples),
  };
}

function scenesOf(bench: Bench): Scene[] {
  const most = mostThreads(bench);
  const usual = { fast: [most - 1, most, most + 4, 4 * most], pauses: [1, 4, most + 4, 4 * most] };
  return bench.noWait.lights.flatMap((lights) => {
    const counts = bench.burners.length > 0 ? bench.burners : usual[lights];
    return counts.map((burners) => ({ lights, burners }));
  });
}

async function ask(bench: Bench): Promise<Answer> {
  const scenes = scenesOf(bench);
  const drawn = scenes.find(({ lights }) => lights === 'pauses');
  const answers: (Answer & { readonly scene: Scene })[] = [];
  for (const scene of scenes) {
    answers.push({ scene, ...(await askScene(bench, scene, scene === drawn ? bench.picture : undefined)) });
  }
  return {
    tables: answers.flatMap(({ tables }) => tables),
    verdicts: answers.flatMap(({ verdicts }) => verdicts),
    samples: answers.map(({ scene, samples }) => ({ scene, samples })),
  };
}

export const noWait: Question = {
  name: 'no-wait',
  servers: ['heddle-burn', 'cluster-burn', 'go-burn', 'erlang-burn'],
  defaults: { ms: 8_000, rounds: 5 },
  ask,
};
