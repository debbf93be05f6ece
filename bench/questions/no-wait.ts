/** How long do light clients wait at worst beside clients that keep the threads busy, from when those come on? */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ClientSample, type LoadWindow, runClients } from '../harness/client-load.ts';
import { fixed, median, spread } from '../harness/numbers.ts';
import type { ServerName, ServerProgram } from '../harness/programs.ts';
import { type Answer, type Bench, contestants, type NoWaitChoice, type Question, wanted } from '../harness/question.ts';
import { interleave, type Samples } from '../harness/rounds.ts';
import { startServer } from '../harness/server.ts';
import type { Table } from '../harness/table.ts';
import { readTrace } from '../harness/trace.ts';
import { atLeast, atMost, type Verdict } from '../harness/verdict.ts';
import { drawWaits } from '../harness/wait-picture.ts';

const LIGHTS = 32;
const THINK_MS = 10;
const BURN_MS = 200;
const MANY = 250;
/** A generator that was later than this, in µs, may have been what was measured. */
const LATE_US = 2_000;
const DRAWN_MS = 2_500;
const DRAWN: readonly ServerName[] = ['heddle-burn', 'cluster-burn'];
/** What is asked of the worst wait after 2 s where lights pause, in ms, by the number of burners. */
const PAUSED_LIMITS: Readonly<Record<number, number>> = { 1: 10, 4: 25, 16: 50 };

/** From when burners come to a fresh server; `end` is the end of the load. */
type Window = 'cold' | 'settling' | 'learned' | 'steady' | 'after2s' | 'first5s' | 'all';
type Sample = ClientSample<'light' | 'burn', Window>;
type Addresses = NoWaitChoice['addresses'][number];
type Lights = NoWaitChoice['lights'][number];
/** Heddle is asked from one address and from many, the others have no eye for it. */
type Turn = Readonly<Partial<Record<Addresses, Sample>>>;

/** One load that all servers have to bear. */
interface Scene {
  readonly lights: Lights;
  readonly burners: number;
}

const isHeddle = (name: ServerName): boolean => name.startsWith('heddle');

function windowsOf(ms: number): Readonly<Record<Window, LoadWindow>> {
  const between = (fromMs: number, toMs: number): LoadWindow => ({
    fromMs: Math.min(fromMs, ms),
    toMs: Math.min(toMs, ms),
  });
  return {
    cold: between(0, 2_000),
    settling: between(300, 2_000),
    learned: between(2_000, 5_000),
    steady: between(5_000, ms),
    after2s: between(2_000, ms),
    first5s: between(0, 5_000),
    all: between(0, ms),
  };
}

/** The upper end of Heddle's threads: as it was told, or by default on the two CPUs that servers have. */
function mostThreads({ noWait }: Bench): number {
  return Number(noWait.threads?.split('..').at(-1) ?? 4 * 2 + 4);
}

const traceOf = (bench: Bench, name: ServerName): string => join(bench.programs.folder, `${name}.trace`);

/** Server and clients share the two CPUs, as they are; the clients' process runs before the server's where it may. */
async function measure(
  bench: Bench,
  program: ServerProgram,
  { lights, burners }: Scene,
  addresses: Addresses,
  traced: boolean,
): Promise<Sample> {
  const { burn, threads } = bench.noWait;
  const cpus = [bench.cores.server, bench.cores.load];
  const server = await startServer(bench.programs, program, {
    framing: 'line',
    cpu: cpus,
    ...(isHeddle(program.name) && threads !== undefined && { threads }),
  });
  const shifted = Object.entries(windowsOf(bench.ms)).map(([name, { fromMs, toMs }]) => {
    return [name, { fromMs: fromMs + bench.warmMs, toMs: toMs + bench.warmMs }];
  });
  try {
    return await runClients<'light' | 'burn', Window>(bench.programs.lights, cpus, server, {
      groups: {
        light: { clients: LIGHTS, kind: 'light', ...(lights === 'pauses' && { thinkMs: THINK_MS }) },
        burn: {
          clients: burners,
          kind: burn,
          burnMs: BURN_MS,
          comeMs: bench.warmMs,
          sources: addresses === 'one' ? 1 : MANY,
        },
      },
      windows: Object.fromEntries(shifted) as Record<Window, LoadWindow>,
      ms: bench.warmMs + bench.ms,
      ...(traced && { trace: traceOf(bench, program.name) }),
    });
  } finally {
    await server.stop();
  }
}

/** One server's turn in a round. */
async function takeTurn(bench: Bench, program: ServerProgram, scene: Scene, traced: boolean): Promise<Turn> {
  const { addresses } = bench.noWait;
  const asked = isHeddle(program.name) && scene.lights === 'fast' ? addresses : addresses.slice(0, 1);
  const turn: Partial<Record<Addresses, Sample>> = {};
  for (const from of asked) turn[from] = await measure(bench, program, scene, from, traced);
  return turn;
}

/** The figures of one server under one load, one number for each round. */
class Rounds {
  readonly #bench: Bench;
  readonly #samples: readonly Sample[];

  constructor(bench: Bench, samples: readonly Sample[]) {
    this.#bench = bench;
    this.#samples = samples;
  }

  get count(): number {
    return this.#samples.length;
  }

  get(figure: (sample: Sample) => number): number[] {
    return this.#samples.map(figure);
  }

  worst(window: Window): number[] {
    return this.#of(window, (sample) => sample.windows[window].groups.light.worstUs / 1_000);
  }

  p99(window: Window): number[] {
    return this.#of(window, (sample) => sample.windows[window].groups.light.p99Us / 1_000);
  }

  /** Replies to `who` in a second of the window. */
  rate(window: Window, who: 'light' | 'burn'): number[] {
    const { fromMs, toMs } = windowsOf(this.#bench.ms)[window];
    return this.#of(window, (sample) => (sample.windows[window].groups[who].answered * 1_000) / (toMs - fromMs));
  }

  /** What the burner with the fewest turns had, by what the one with the most had. */
  evenness(): number[] {
    return this.get(({ windows }) => windows.all.groups.burn.leastTurns / windows.all.groups.burn.mostTurns);
  }

  /** Nothing can be said of a window that the run was too short for. */
  #of(window: Window, figure: (sample: Sample) => number): number[] {
    const { fromMs, toMs } = windowsOf(this.#bench.ms)[window];
    return toMs > fromMs ? this.#samples.map(figure) : [];
  }
}

type Results = Samples<Turn>;

function roundsOf(bench: Bench, results: Results, name: ServerName, from: Addresses): Rounds {
  return new Rounds(
    bench,
    (results.get(name) ?? []).flatMap((turn) => turn[from] ?? []),
  );
}

const thousands = (values: readonly number[]): string => {
  const k = values.map((value) => value / 1_000);
  return spread(k, median(k) < 10 ? 1 : 0);
};

function row(bench: Bench, title: string, rounds: Rounds): string[] {
  const ms = (values: readonly number[]): string => spread(values, median(values) < 100 ? 1 : 0);
  const burns = rounds.rate('after2s', 'burn');
  const late = rounds.get(({ windows }) => windows.all.lateUs);
  const marked = late.filter((us) => us > LATE_US).length;
  const turns = (field: 'leastTurns' | 'mostTurns'): string =>
    fixed(median(rounds.get(({ windows }) => windows.all.groups.burn[field])), 0);
  return [
    title,
    ms(rounds.worst('cold')),
    ms(rounds.worst('settling')),
    ms(rounds.worst('learned')),
    fixed(median(rounds.p99('learned')), 2),
    thousands(rounds.rate('learned', 'light')),
    ms(rounds.worst('steady')),
    fixed(median(rounds.p99('steady')), 2),
    thousands(rounds.rate('steady', 'light')),
    spread(burns, 1),
    bench.noWait.burn === 'wall' ? '–' : fixed((median(burns) * BURN_MS) / 1_000, 2),
    `${turns('leastTurns')}..${turns('mostTurns')}`,
    `${fixed(Math.max(...late) / 1_000, 1)}${marked === 0 ? '' : ` (${marked} of ${late.length})`}`,
  ];
}

const COLUMNS = [
  'server',
  '0–2 s',
  '0.3–2 s',
  '2–5 s',
  'p99',
  'k msg/s',
  '5 s on',
  'p99',
  'k msg/s',
  'burns/s',
  'CPUs',
  'turns',
  'late',
];

const how = (scene: Scene): string =>
  scene.lights === 'fast' ? 'that talk as fast as they can' : `that say a line every ${THINK_MS} ms`;

function table(bench: Bench, scene: Scene, servers: readonly ServerProgram[], results: Results): Table {
  const rows = servers.flatMap(({ name, title }) =>
    bench.noWait.addresses.flatMap((from) => {
      const rounds = roundsOf(bench, results, name, from);
      const full =
        isHeddle(name) && scene.lights === 'fast' ? `${title}, ${from} address${from === 'one' ? '' : 'es'}` : title;
      return rounds.count === 0 ? [] : [row(bench, full, rounds)];
    }),
  );
  const what = bench.noWait.burn === 'cpu' ? 'of CPU' : 'of time';
  const title = `no-wait: worst wait in ms of ${LIGHTS} clients ${how(scene)}, beside ${scene.burners} that burn ${BURN_MS} ms ${what} a message`;
  return { title, columns: COLUMNS, rows };
}

const milliseconds = (value: number): string => `${fixed(value, 1)} ms`;
const times = (value: number): string => `${fixed(value, 2)} ×`;

/** What is asked after 2 s: of waits, and of how much lights get done. */
function judgeSteady(bench: Bench, { lights, burners }: Scene, own: Rounds, what: string, erlang: Rounds): Verdict[] {
  const most = mostThreads(bench);
  const after = median(own.worst('after2s'));
  const limit = lights === 'pauses' ? PAUSED_LIMITS[burners] : burners <= most + 4 ? 25 : undefined;
  return [
    ...(limit === undefined ? [] : [atMost(`${what}, worst wait after 2 s`, after, limit, milliseconds)]),
    ...(lights === 'fast' && burners > most + 4
      ? [
          atMost(`${what}, worst wait in the first 5 s`, median(own.worst('first5s')), 300, milliseconds),
          atMost(`${what}, worst wait after 5 s`, median(own.worst('steady')), 50, milliseconds),
        ]
      : []),
    ...(erlang.count === 0
      ? []
      : [
          atMost(`${what}, worst wait after 2 s by Erlang's`, after / median(erlang.worst('after2s')), 1, times),
          ...(lights === 'fast'
            ? [
                atLeast(
                  `${what}, messages of lights by Erlang's`,
                  median(own.rate('after2s', 'light')) / median(erlang.rate('after2s', 'light')),
                  3,
                  times,
                ),
              ]
            : []),
        ]),
  ];
}

/** What is asked of the first two seconds: beside as many burners as threads and more. */
function judgeCold(what: string, own: Rounds, go: Rounds, erlang: Rounds): Verdict[] {
  const by = (peer: Rounds): number => median(own.worst('cold')) / median(peer.worst('cold'));
  return [
    ...(erlang.count === 0 ? [] : [atMost(`${what}, worst wait of a cold burst by Erlang's`, by(erlang), 1.5, times)]),
    ...(go.count === 0 ? [] : [atMost(`${what}, worst wait of a cold burst by Go's`, by(go), 1, times)]),
  ];
}

function judge(bench: Bench, scene: Scene, results: Results): Verdict[] {
  if (!wanted(bench.programs, 'heddle-burn')) return [];
  const [first = 'one'] = bench.noWait.addresses;
  const [go, erlang] = (['go-burn', 'erlang-burn'] as const).map((name) => roundsOf(bench, results, name, first));
  const cold = scene.lights === 'fast' && scene.burners >= mostThreads(bench) + 4;
  return bench.noWait.addresses.flatMap((from) => {
    const own = roundsOf(bench, results, 'heddle-burn', from);
    const old = roundsOf(bench, results, 'heddle-burn:old', from);
    if (own.count === 0 || go === undefined || erlang === undefined) return [];
    const what = `no-wait, lights ${scene.lights}, ${scene.burners} burners of ${from} address${from === 'one' ? '' : 'es'}`;
    const share = median(own.rate('after2s', 'burn')) / median(old.rate('after2s', 'burn'));
    return [
      ...judgeSteady(bench, scene, own, what, erlang),
      ...(cold ? judgeCold(what, own, go, erlang) : []),
      ...(scene.burners > 1 ? [atLeast(`${what}, fewest turns by most`, median(own.evenness()), 0.5, times)] : []),
      ...(old.count > 0 && bench.noWait.burn === 'cpu'
        ? [atLeast(`${what}, CPU of burners by that of the build before`, share, 0.8, times)]
        : []),
    ];
  });
}

/** Draws what lights that pause saw from 2 s on in the last round, whatever it was like. */
function draw(bench: Bench, file: string, { burners }: Scene): void {
  const ms = Math.min(DRAWN_MS, bench.ms);
  const from = bench.warmMs + Math.min(2_000, bench.ms - ms);
  const panels = DRAWN.flatMap((name) => {
    const program = bench.programs.servers.get(name);
    if (program === undefined) return [];
    return [{ title: program.title, replies: readTrace(traceOf(bench, name), from, LIGHTS) }];
  });
  writeFileSync(file, drawWaits(panels, { lights: LIGHTS, burners, burnMs: BURN_MS, ms }));
  bench.progress(`drew ${file}`);
}

async function askScene(bench: Bench, scene: Scene, picture: string | undefined): Promise<Answer> {
  bench.progress(`no-wait, lights ${scene.lights}, beside ${scene.burners}`);
  const servers = contestants(noWait, bench.programs).filter(
    ({ name }) => scene.lights === 'pauses' || name !== 'cluster-burn',
  );
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
