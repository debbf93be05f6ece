import { Readable, Writable } from 'node:stream';
import type { BenchInvocation } from '../../src/cli/bench/bench.ts';
import type { Terminal } from '../../src/cli/terminal.ts';

const SHORT: Readonly<Record<string, string>> = { '-c': '--clients', '-d': '--duration', '-r': '--rate' };

/** Reads the arguments of `heddle bench` as the command does, so that a test needs no process. */
export function benchInvocation(args: readonly string[], signal = new AbortController().signal): BenchInvocation {
  const [targets, require, beside] = [[] as string[], [] as string[], [] as string[]];
  const flags: Record<string, string | boolean> = {};
  const left = [...args];
  for (let arg = left.shift(); arg !== undefined; arg = left.shift()) {
    if (!arg.startsWith('-')) targets.push(arg);
    else if (arg === '--json' || arg === '--quiet') flags[arg.slice(2)] = true;
    else if (arg === '--require' || arg === '--beside')
      (arg === '--require' ? require : beside).push(left.shift() ?? '');
    else flags[nameOf(SHORT[arg] ?? arg)] = left.shift() ?? '';
  }
  return { targets, require, beside, flags, signal };
}

function nameOf(flag: string): string {
  return flag.slice(2).replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** A terminal that keeps what is written to it. */
export function keepingTerminal(): { readonly terminal: Terminal; readonly text: () => string } {
  let text = '';
  const keep = (): Writable =>
    new Writable({
      write(chunk, _encoding, done) {
        text += String(chunk);
        done();
      },
    });
  return { terminal: { stdin: Readable.from([]), stdout: keep(), stderr: keep() }, text: () => text };
}
