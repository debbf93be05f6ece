/**
 * Keeps with each client what it says: `log in NAME`, then `who` is answered with NAME, the thread's number and how often the
 * client was asked. `big N` keeps N bytes, `function` what cannot be cloned, `forget` nothing, `change` changes what it has read.
 * `later NAME` logs in after a turn of the loop. `hold` blocks its thread as `held.mjs` does, `die` ends it.
 */
import { setImmediate } from 'node:timers/promises';
import { defineService } from 'heddle';

let gate;
let thread = 0;
let server = '';
let gone;

function answer(client, command, rest) {
  switch (command) {
    case 'log':
      client.state = { name: rest.slice('in '.length), asked: 0 };
      return 'welcome';
    case 'later':
      return setImmediate().then(() => answer(client, 'log', `in ${rest}`));
    case 'big':
      client.state = 'x'.repeat(Number(rest) - 2);
      return `${client.state.length}`;
    case 'function':
      client.state = { name: () => {} };
      return 'unreachable';
    case 'try':
      try {
        return answer(client, ...split(rest));
      } catch (error) {
        return `${error.code ?? error.name}: ${error.message}`;
      }
    case 'forget':
      client.state = undefined;
      return `${client.state}`;
    case 'change':
      client.state.name = 'somebody else';
      return client.state.name;
    case 'hold':
      Atomics.add(gate, 1, 1);
      Atomics.wait(gate, 0, 0);
      return 'done';
    case 'die':
      return process.exit(1);
    default:
      if (client.state === undefined) return 'nobody';
      client.state = { ...client.state, asked: client.state.asked + 1 };
      return `${client.state.name} ${thread} ${client.state.asked}${server}`;
  }
}

function split(line) {
  const [, command, rest] = /^(\S+) ?(.*)$/.exec(line);
  return [command, rest];
}

export default defineService({
  framing: 'line',
  start({ id, shared }) {
    thread = id;
    gate = shared.gate;
    gone = shared.gone;
    server = shared.server ?? '';
  },
  message: (line, client) => answer(client, ...split(line.toString())),
  close(client) {
    if (gone !== undefined && client.state !== undefined) gone.add(client.state.asked);
  },
});
