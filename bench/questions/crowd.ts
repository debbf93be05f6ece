/** What do thousands of idle clients on a thread cost the others when one client blocks that thread? */
import type { ClientSample } from '../harness/client-load.ts';
import { tooManyClients, withIdleClients } from '../harness/idle-clients.ts';
import { isHeddle, runOn, withServer } from '../harness/beside.ts';
import { fixed, grouped, median } from '../harness/numbers.ts';
import type { ServerName, ServerProgram } from '../harness/programs.ts';
import { type Answer, type Bench, contestants, type Question, wanted } from '../harness/question.ts';
import { interleave, type Samples } from '../harness/rounds.ts';
import { atMost, type Verdict } from '../harness/verdict.ts';
import { inMs, WaitFigures } from '../harness/wait-figures.ts';

const CROWD = 18_000;
const LIGHTS = 8;
const DIALLERS = 2;
const THINK_MS = 10;
const BURN_MS = 200;
const BY_NO_CROWD = 2;
const DIAL_LIMIT_MS = 20;

/** Idle clients, and Heddle's threads: as many at first as there are CPUs, or one, which then has all of them. */
const VARIANTS = {
  none: { idle: 0, threads: undefined, title: 'nobody else' },
  crowd: { idle: CROWD, threads: undefined, title: `${grouped(CROWD)} idle` },
  'none, one thread': { idle: 0, threads: '1..12', title: 'one thread, nobody else' },
  'crowd, one thread': { idle: CROWD, threads: '1..12', title: `one thread, ${grouped(CROWD)} idle` },
} as const;
type Variant = keyof typeof VARIANTS;
const NAMES = Object.keys(VARIANTS) as Variant[];
/** What the waits of a crowd are compared with. */
const WITHOUT: readonly (readonly [Variant, Variant])[] = [
  ['crowd', 'none'],
  ['crowd, one thread', 'none, one thread'],
];

type Group = 'light' | 'dial' | 'burn';
type Sample = ClientSample<Group, 'measured'>;
type Turn = Readonly<Partial<Record<Variant, Sample>>>;

function measure(bench: Bench, program: ServerProgram, variant: Variant): Promise<Sample> {
  const { idle, threads } = VARIANTS[variant];
  return withServer(bench, program, threads ?? bench.noWait.threads, (server) =>
    withIdleClients(bench, server, { count: idle, speak: false, untilClosed: false }, () =>
      runOn<Group, 'measured'>(bench, server, {
        groups: {
          light: { clients: LIGHTS, kind: 'light', thinkMs: THINK_MS },
          dial: { clients: DIALLERS, kind: 'light', thinkMs: THINK_MS, visits: true, sources: 250 },
          burn: { clients: 1, kind: 'cpu', burnMs: BURN_MS, comeMs: bench.warmMs },
        },
        windows: { measured: { fromMs: bench.warmMs, toMs: bench.warmMs + bench.ms } },
        ms: bench.warmMs + bench.ms,
      }),
    ),
  );
}

async function takeTurn(bench: Bench, program: ServerProgram): Promise<Turn> {
  const turn: Partial<Record<Variant, Sample>> = {};
  for (const variant of NAMES) {
    if (isHeddle(program.name) || VARIANTS[variant].threads === undefined)
      turn[variant] = await measure(bench, program, variant);
  }
  return turn;
}

type Figures = WaitFigures<Group, 'measured'>;

function figuresOf(bench: Bench, samples: Samples<Turn>, name: ServerName, variant: Variant): Figures {
  const own = (samples.get(name) ?? []).flatMap((turn) => turn[variant] ?? []);
  return new WaitFigures(own, { measured: { fromMs: 0, toMs: bench.ms } });
}

function row(title: string, figures: Figures): string[] {
  const p99 = (group: Group): string => fixed(median(figures.p99('measured', group)), 2);
  return [
    title,
    inMs(figures.worst('measured', 'light')),
    p99('light'),
    inMs(figures.worst('measured', 'dial')),
    p99('dial'),
    fixed(median(figures.rate('measured', 'burn')), 1),
    figures.late('measured'),
    fixed(median(figures.others('measured')), 2),
  ];
}

const COLUMNS = ['server', 'worst ms', 'p99', 'new clients: worst ms', 'p99', 'burns/s', 'late', 'others'];

function judge(bench: Bench, samples: Samples<Turn>): Verdict[] {
  if (!wanted(bench.programs, 'heddle-burn')) return [];
  const worst = (variant: Variant, group: Group): number =>
    median(figuresOf(bench, samples, 'heddle-burn', variant).worst('measured', group));
  return WITHOUT.flatMap(([variant, without]) => [
    atMost(
      `crowd, ${VARIANTS[variant].title}: worst wait by that without them`,
      worst(variant, 'light') / worst(without, 'light'),
      BY_NO_CROWD,
      (value) => `${fixed(value, 2)} ×`,
    ),
    atMost(
      `crowd, ${VARIANTS[variant].title}: a new client's wait at worst, beyond that without them`,
      worst(variant, 'dial') - worst(without, 'dial'),
      DIAL_LIMIT_MS,
      (value) => `${fixed(value, 1)} ms`,
    ),
  ]);
}

async function ask(bench: Bench): Promise<Answer> {
  const why = tooManyClients(CROWD);
  if (why !== undefined) bench.progress(`crowd is left out: ${why}`);
  const servers = why === undefined ? contestants(crowd, bench.programs) : [];
  const samples = await interleave(bench, servers, bench.rounds, (program) => takeTurn(bench, program));
  const rows = servers.flatMap(({ name, title }) =>
    NAMES.flatMap((variant) => {
      const figures = figuresOf(bench, samples, name, variant);
      return figures.rounds === 0 ? [] : [row(`${title}, ${VARIANTS[variant].title}`, figures)];
    }),
  );
  const title = `crowd: waits of ${LIGHTS} clients that say a line every ${THINK_MS} ms, and of new clients, beside one that burns ${BURN_MS} ms of CPU a message`;
  return {
    tables: [{ title, columns: COLUMNS, rows }],
    verdicts: judge(bench, samples),
    samples: Object.fromEntries(samples),
  };
}

export const crowd: Question = {
  name: 'crowd',
  servers: ['heddle-burn', 'go-burn'],
  defaults: { ms: 4_000 },
  ask,
};
