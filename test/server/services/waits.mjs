/** Awaits something of Node's own, as the line says. */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

export async function wait(line) {
  const [what, argument] = line.split(' ');
  if (what === 'timer') await delay(Number(argument));
  else if (what === 'file') await readFile(argument);
  else await (await fetch(argument)).text();
  return what;
}

export default { framing: 'line', encoding: 'utf8', message: wait };
