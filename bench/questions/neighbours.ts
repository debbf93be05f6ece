/** How do light clients fare beside other neighbours than steady burners: unknown, blocking, bimodal and mixed ones? */
import { between, later, mostThreads, runBeside } from '../harness/beside.ts';
import type { ClientGroup, ClientSample, LoadWindow } from '../harness/client-load.ts';
import { fixed, median, spread } from '../harness/numbers.ts';
import type { ServerName } from '../harness/programs.ts';
import {
  type Answer,
  type Bench,
  contestants,
  type NeighbourLoad,
  type Question,
  wanted,
} from '../harness/question.ts';
import { interleave } from '../harness/rounds.ts';
import { atLeast, atMost, type Verdict } from '../harness/verdict.ts';
import { inMs, inThousands, WaitFigures } from '../harness/wait-figures.ts';

const UNKNOWN_BURN_MS = 400;
const UNKNOWN_LIMIT_MS = 100;
const BLOCK_MS = 200;
/** Of what threads could do if each but one blocked all the time. */
const BLOCKED_SHARE = 0.9;
const BIMODAL_SHARE = 0.7;
const MANY = 250;

type Window = 'cold' | 'after2s' | 'all';
type Figures = WaitFigures<string, Window>;

/** The others come later than the light clients, to a fresh server. */
interface Load {
  readonly title: string;
  readonly lights: number;
  /** The time from one line of a light client to its next; without it they talk as fast as they can. */
  readonly thinkMs?: number;
  readonly others: Readonly<Record<string, ClientGroup>>;
  /** Of the others' messages, each sends one. */
  readonly once?: boolean;
  judge(what: string, own: Figures, old: Figures): Verdict[];
}

const milliseconds = (value: number): string => `${fixed(value, 1)} ms`;
const perSecond = (value: number): string => `${fixed(value, 1)}/s`;
const times = (value: number): string => `${fixed(value, 2)} ×`;

function unknown(bench: Bench, early: boolean): Load {
  const clients = mostThreads(bench) + 4;
  const when = early ? { askMs: bench.warmMs } : { comeMs: bench.warmMs };
  const burn = { clients, kind: bench.noWait.burn, burnMs: UNKNOWN_BURN_MS, times: 1, sources: MANY, ...when };
  return {
    title: `${clients} unknown clients that ${early ? 'were silent so far' : 'come at one instant'} and all ask for ${UNKNOWN_BURN_MS} ms at once`,
    lights: 32,
    others: { burn },
    once: true,
    judge: (what, own) => [
      atMost(`${what}, worst wait`, median(own.worst('all', 'light')), UNKNOWN_LIMIT_MS, milliseconds),
    ],
  };
}

function blockers(bench: Bench): Load {
  const clients = mostThreads(bench) + 4;
  const least = ((mostThreads(bench) - 1) * BLOCKED_SHARE * 1_000) / BLOCK_MS;
  return {
    title: `${clients} clients whose messages block a thread for ${BLOCK_MS} ms without CPU`,
    lights: 32,
    others: { block: { clients, kind: 'sleep', burnMs: BLOCK_MS, comeMs: bench.warmMs, sources: MANY } },
    judge: (what, own) => [
      atLeast(`${what}, their replies`, median(own.rate('after2s', 'block')), least, perSecond),
      atLeast(`${what}, fewest turns by most`, median(own.evenness('all', 'block')), 0.5, times),
    ],
  };
}

/** Light clients pause here: what bimodal ones get done then depends on the server, not on how much CPU the light ones take. */
function bimodal(bench: Bench): Load {
  const from = { comeMs: bench.warmMs, sources: MANY };
  return {
    title: '8 clients of whose messages one in 8 costs 40 ms of CPU, and 4 that burn 200 ms',
    lights: 32,
    thinkMs: 10,
    others: {
      bimodal: { clients: 8, kind: bench.noWait.burn, burnMs: 40, every: 8, ...from },
      burn: { clients: 4, kind: bench.noWait.burn, burnMs: 200, ...from },
    },
    judge: (what, own, old) => {
      if (old.rounds === 0) return [];
      const ratio = median(own.rate('after2s', 'bimodal')) / median(old.rate('after2s', 'bimodal'));
      return [atLeast(`${what}, their messages by those of the build before`, ratio, BIMODAL_SHARE, times)];
    },
  };
}

function mix(bench: Bench): Load {
  const from = { comeMs: bench.warmMs, sources: MANY };
  return {
    title: '8 clients that burn 200 ms a message and 8 that block a thread for 200 ms',
    lights: 8,
    others: {
      burn: { clients: 8, kind: bench.noWait.burn, burnMs: 200, ...from },
      block: { clients: 8, kind: 'sleep', burnMs: BLOCK_MS, ...from },
    },
    judge: () => [],
  };
}

/** Each comes anew for each message, so that the server never knows it. */
function attack(bench: Bench): Load {
  const clients = mostThreads(bench) + 4;
  const visit = { visits: true, thinkMs: 1_000, comeMs: bench.warmMs };
  return {
    title: `${clients} new clients a second from one address, each of which asks for 200 ms of CPU and goes`,
    lights: 32,
    others: { burn: { clients, kind: bench.noWait.burn, burnMs: 200, sources: 1, ...visit } },
    judge: () => [],
  };
}

function heavy(bench: Bench): Load {
  const clients = 2 * mostThreads(bench);
  return {
    title: `nobody: ${clients} clients, of whom each message burns 20 ms`,
    lights: 0,
    others: { burn: { clients, kind: bench.noWait.burn, burnMs: 20, comeMs: bench.warmMs, sources: MANY } },
    judge: (what, own) => [
      atLeast(`${what}, fewest turns by most`, median(own.evenness('after2s', 'burn')), 0.5, times),
    ],
  };
}

const LOADS: Readonly<Record<NeighbourLoad, (bench: Bench) => Load>> = {
  unknown: (bench) => unknown(bench, false),
  silent: (bench) => unknown(bench, true),
  blockers,
  bimodal,
  mix,
  attack,
  heavy,
};

const windowsOf = (ms: number): Readonly<Record<Window, LoadWindow>> => ({
  cold: between(0, 2_000, ms),
  after2s: between(2_000, ms, ms),
  all: between(0, ms, ms),
});

function row(title: string, load: Load, figures: Figures): string[] {
  const others = Object.entries(load.others).flatMap(([name, { clients }]) =>
    load.once === true
      ? [spread(figures.finished('all', name, clients), 1)]
      : [spread(figures.rate('after2s', name), 1), figures.turns('all', name), inMs(figures.worst('after2s', name))],
  );
  return [
    title,
    inMs(figures.worst('cold', 'light')),
    inMs(figures.worst('after2s', 'light')),
    fixed(median(figures.p99('all', 'light')), 2),
    inThousands(figures.rate('all', 'light')),
    ...others,
    figures.late('all'),
    fixed(median(figures.others('all')), 2),
  ];
}

function columnsOf(load: Load): string[] {
  const others = Object.keys(load.others).flatMap((name) =>
    load.once === true ? ['all done, s'] : [`${name}/s`, 'turns', 'worst'],
  );
  return ['server', '0–2 s', '2 s on', 'p99', 'k msg/s', ...others, 'late', 'others'];
}

async function askLoad(name: NeighbourLoad, bench: Bench): Promise<Answer> {
  const load = LOADS[name](bench);
  const windows = windowsOf(bench.ms);
  bench.progress(`neighbours, ${name}`);
  const servers = contestants(neighbours, bench.programs);
  const samples = await interleave(
    bench,
    servers,
    bench.rounds,
    (program): Promise<ClientSample<string, Window>> =>
      runBeside<string, Window>(bench, program, {
        groups: { light: { clients: load.lights, kind: 'light', thinkMs: load.thinkMs ?? 0 }, ...load.others },
        windows: later(windows, bench.warmMs),
        ms: bench.warmMs + bench.ms,
      }),
  );
  const figures = (server: ServerName): Figures => new WaitFigures(samples.get(server) ?? [], windows);
  const ran = servers.filter((server) => figures(server.name).rounds > 0);
  const rows = ran.map((server) => row(server.title, load, figures(server.name)));
  const how = load.thinkMs === undefined ? 'that talk as fast as they can' : `that say a line every ${load.thinkMs} ms`;
  const title = `neighbours, ${name}: worst wait in ms of ${load.lights} clients ${how}, beside ${load.title}`;
  return {
    tables: [{ title, columns: columnsOf(load), rows }],
    verdicts: wanted(bench.programs, 'heddle-burn')
      ? load.judge(`neighbours, ${name}`, figures('heddle-burn'), figures('heddle-burn:old'))
      : [],
    samples: Object.fromEntries(samples),
  };
}

async function ask(bench: Bench): Promise<Answer> {
  const answers: Answer[] = [];
  for (const name of bench.noWait.loads) answers.push(await askLoad(name, bench));
  return {
    tables: answers.flatMap(({ tables }) => tables),
    verdicts: answers.flatMap(({ verdicts }) => verdicts),
    samples: Object.fromEntries(answers.map(({ samples }, index) => [bench.noWait.loads[index], samples])),
  };
}

export const neighbours: Question = {
  name: 'neighbours',
  servers: ['heddle-burn', 'go-burn', 'erlang-burn'],
  defaults: { ms: 8_000, rounds: 5 },
  ask,
};
