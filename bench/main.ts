/** The benchmark: asks the questions that are named, or all of them, and prints tables and verdicts. */
import { cpus, release, type } from 'node:os';
import { type BenchArguments, parseBenchArguments, USAGE } from './arguments.ts';
import { pickCores } from './harness/cores.ts';
import { type Programs, preparePrograms } from './harness/programs.ts';
import type { Answer, Bench, Question } from './harness/question.ts';
import { renderTable } from './harness/table.ts';
import { renderVerdict } from './harness/verdict.ts';

const progress = (text: string): void => void process.stderr.write(`${text}\n`);

function machine(): Record<string, string> {
  const [cpu] = cpus();
  return {
    cpu: `${cpus().length} × ${cpu?.model.trim() ?? 'unknown CPU'}`,
    kernel: `${type()} ${release()}`,
    node: `Node ${process.versions.node}`,
    at: new Date().toISOString(),
  };
}

type Times = 'ms' | 'warmMs' | 'rounds';
type Settings = Omit<Bench, Times> & Pick<BenchArguments, Times>;

const DEFAULTS = { ms: 2_000, warmMs: 1_000, rounds: 3 };

async function askAll(questions: readonly Question[], settings: Settings): Promise<Map<string, Answer>> {
  const answers = new Map<string, Answer>();
  for (const question of questions) {
    const { ms, warmMs, rounds } = { ...DEFAULTS, ...question.defaults };
    const bench = {
      ...settings,
      ms: settings.ms ?? ms,
      warmMs: settings.warmMs ?? warmMs,
      rounds: settings.rounds ?? rounds,
    };
    answers.set(question.name, await question.ask(bench));
  }
  return answers;
}

function print(answers: ReadonlyMap<string, Answer>, programs: Programs, json: boolean): void {
  const missing = Object.fromEntries(programs.missing);
  if (json) {
    console.log(JSON.stringify({ machine: machine(), missing, answers: Object.fromEntries(answers) }, null, 2));
    return;
  }
  console.log(`\n${Object.values(machine()).join(' · ')}\n`);
  for (const { tables } of answers.values()) for (const table of tables) console.log(renderTable(table));
  for (const { verdicts } of answers.values()) for (const verdict of verdicts) console.log(renderVerdict(verdict));
}

async function run({ questions, servers, old, json, help, ...settings }: BenchArguments): Promise<number> {
  if (help) {
    console.log(USAGE);
    return 0;
  }
  const names = new Set(questions.flatMap((question) => question.servers));
  const programs = preparePrograms(
    [...names].filter((name) => servers.length === 0 || servers.includes(name)),
    old,
  );
  for (const [name, why] of programs.missing) progress(`${name} is left out: ${why}`);
  const answers = await askAll(questions, { ...settings, programs, cores: pickCores(), progress });
  print(answers, programs, json);
  const verdicts = [...answers.values()].flatMap((answer) => answer.verdicts);
  return verdicts.every((verdict) => verdict.result === 'pass') ? 0 : 1;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

try {
  process.exitCode = await run(parseBenchArguments(process.argv.slice(2)));
} catch (error) {
  progress(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
