/** Runs `heddle doctor`: says who waits, and what is wrong with a server or soon will be. */
import type { Finding, Level } from '../../admin/control/doctor.ts';
import type { Snapshot } from '../../admin/control/snapshot.ts';
import { durationText } from '../../admin/words.ts';
import { escapeJson, escapeText } from '../../log/escape.ts';
import { print, type Terminal } from '../terminal.ts';
import { askJson } from './ask.ts';
import { findServer } from './find-server.ts';

/** The exit status is that of a monitoring plug-in: warnings, act now. 3, not known, is for all that goes wrong (`program.ts`). */
const STATUSES: Readonly<Record<Level, number>> = { note: 0, warn: 1, act: 2 };

const HEADINGS: Readonly<Record<Level, string>> = { note: 'NOTE ', warn: 'WARN ', act: 'ACT  ' };

export async function runDoctor(
  target: string | undefined,
  { json = false }: { readonly json?: boolean },
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
): Promise<number> {
  const socket = await findServer(target, environment);
  const snapshot = (await askJson(socket, '/v1/snapshot')) as Snapshot;
  const { findings } = (await askJson(socket, '/v1/doctor')) as { readonly findings: readonly Finding[] };
  const { server, verdict } = snapshot;
  const answer = json ? `${escapeJson(JSON.stringify({ server, verdict, findings }))}\n` : report(snapshot, findings);
  await print(terminal, answer);
  return Math.max(0, ...findings.map(({ level }) => STATUSES[level]));
}

function report({ server, verdict }: Snapshot, findings: readonly Finding[]): string {
  const head = `heddle ${server.version}, process ${server.pid}, ${server.state}, up ${durationText(server.uptimeMs)}`;
  const found = findings.flatMap(({ advice, evidence, level }) => [
    '',
    `${HEADINGS[level]} ${escapeText(evidence)}`,
    `      ${escapeText(advice)}`,
  ]);
  const rest = found.length === 0 ? ['', 'Nothing else to say.'] : found;
  return `${[head, escapeText(verdict.text), ...rest].join('\n')}\n`;
}
