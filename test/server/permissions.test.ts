import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const HEDDLE = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const isKnown = (flag: string): boolean => process.allowedNodeEnvironmentFlags.has(flag);
const PERMISSION = isKnown('--permission') ? '--permission' : '--experimental-permission';

/** What the command says under Node's permission model with `flags`. */
function said(...flags: string[]): string {
  const args = [PERMISSION, '--allow-fs-read=*', ...flags, HEDDLE, 'serve', '--port', '0', '--engine', 'epoll'];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 20_000 });
  return `${status} ${stderr.split('\n').find((line) => line.includes('Heddle')) ?? stderr}`;
}

describe("Node's permission model", () => {
  const flags = `--allow-worker --allow-addons ${isKnown('--allow-net') ? '--allow-net ' : ''}--allow-fs-read=*`;

  it.each([
    ['start threads', ['--allow-addons']],
    ['load koffi, through which it calls the kernel', ['--allow-worker']],
  ])('that does not let it %s is named, with what to allow', (what, allowed) => {
    expect(said(...allowed)).toBe(
      `1 Node's permission model does not let Heddle ${what}. Start Node with ${flags}, or without its permission model`,
    );
  });
});
