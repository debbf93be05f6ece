/** Keeps a client that says `wait` until another one of its thread says `go`; `die` ends the thread. */
import { EventEmitter, once } from 'node:events';

const gate = new EventEmitter();

export async function answer(line) {
  if (line === 'die') process.exit(1);
  if (line === 'go') gate.emit('go');
  if (line === 'wait') await once(gate, 'go');
  return line;
}

export default { framing: 'line', encoding: 'utf8', message: answer };
