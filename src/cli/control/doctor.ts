/** Runs `heddle doctor`: says who waits, and what is wrong with a server or soon will be. */
import type { Finding } from '../../admin/control/doctor.ts';
import type { Snapshot } from '../../admin/control/snapshot.ts';
import { durationText } from '../../admin/words.ts';
import { HeddleError } from '../../errors.ts';
import { escapeText } from '../../log/escape.ts';
import { print, type Terminal } from '../terminal.ts';
import { askJson } from './ask.ts';
import { findServer } from './find-server.ts';

/** The exit status says the same as that of a monitoring plug-in: all is well, warnings, act now, nobody there. */
const WARN_STATUS = 1;
const ACT_STATUS = 2;
const UNKNOWN_STATUS = 3;

export async function runDoctor(
  target: string | undefined,
  { json = false }: { readonly json?: boolean },
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
): Promise<number> {
  let socket: string;
  let snapshot: Snapshot;
  let findings: readonly Finding[];
  try {
    socket = await findServer(target, environment);
    snapshot = (await askJson(socket, '/v1/snapshot')) as Snapshot;
    ({ findings } = (await askJson(socket, '/v1/doctor')) as { readonly findings: readonly Finding[] });
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error;
    terminal.stderr.write(`${escapeText(error.message)}\n`);
    return UNKNOWN_STATUS;
  }
  const { server, verdict } = snapshot;
  await print(terminal, json ? `${JSON.stringify({ server, verdict, findings })}\n` : report(snapshot, findings));
  return findings.reduce((status, { level }) => Math.max(status, level === 'act' ? ACT_STATUS : WARN_STATUS), 0);
}

function report({ server, verdict }: Snapshot, findings: readonly Finding[]): string {
  const head = `heddle ${server.version}, process ${server.pid}, ${server.state}, up ${durationText(server.uptimeMs)}`;
  const found = findings.flatMap(({ advice, evidence, level }) => [
    '',
    `${level === 'act' ? 'ACT  ' : 'WARN '} ${escapeText(evidence)}`,
    `      ${escapeText(advice)}`,
  ]);
  const rest = found.length === 0 ? ['', 'Nothing else to say.'] : found;
  return `${[head, escapeText(verdict.text), ...rest].join('\n')}\n`;
}
