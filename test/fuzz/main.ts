/** Tries random inputs on what reads bytes, options and config files, on the arena, and on whole servers. Usage: npm run fuzz -- --help */
import { parseFuzzArguments, usage } from './arguments.ts';
import { fuzz } from './fuzz.ts';
import { arena } from './targets/arena.ts';
import { configFiles } from './targets/config-files.ts';
import { framings } from './targets/framings.ts';
import { options } from './targets/options.ts';
import { proxyHeaders } from './targets/proxy-headers.ts';
import { servers } from './targets/servers.ts';

const TARGETS = [framings, proxyHeaders, options, configFiles, arena, servers];

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

try {
  const asked = parseFuzzArguments(process.argv.slice(2), TARGETS);
  if (asked.help) console.log(usage(TARGETS));
  else {
    console.log(`seed ${asked.seed}, ${asked.seconds} s: ${asked.targets.map(({ name }) => name).join(', ')}`);
    process.exitCode = (await fuzz(asked, console.log)) ? 0 : 1;
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
