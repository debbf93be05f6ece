/** A process that starts a server and ends in the way that its argument names. It says `ending` right before. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { serve } from 'heddle';

const engine = process.env.HEDDLE_ENGINE ?? 'epoll';
const options = { host: '127.0.0.1', port: 0, threads: 2, engine };
const commands = new URL('../server/services/commands.mjs', import.meta.url);

function say(text) {
  process.stdout.write(`${text}\n`);
}

async function fails(starting) {
  try {
    await starting;
  } catch (error) {
    say(`${error.code}: ending`);
  }
}

const ways = {
  async exit() {
    await serve(options);
    say('ending');
    process.exit(7);
  },
  async 'exit-busy'(line) {
    const server = await serve({ ...options, service: commands });
    const socket = connect(server.address.port, '127.0.0.1');
    socket.write('echo started\n');
    await once(socket, 'data');
    await new Promise((resolve) => socket.write(`${line}\n`, resolve));
    await delay(100); // For the server to begin with it: nothing can say so while its thread is blocked.
    say('ending');
    process.exit(8);
  },
  broken: () => fails(serve({ ...options, service: new URL('../server/services/broken/throws.mjs', import.meta.url) })),
  async 'in-use'() {
    const server = await serve(options);
    await fails(serve({ ...options, port: server.address.port }));
    await server.close();
  },
  async throw() {
    await serve(options);
    say('ending');
    throw new Error('after the start');
  },
  async close() {
    const server = await serve(options);
    say('ending');
    await server.close();
  },
  async drain() {
    const server = await serve(options);
    say('ending');
    await server.drain();
  },
  async wait() {
    await serve(options);
    say('ending');
  },
  async 'serve-then-close'() {
    const server = await serve(options);
    const socket = connect(server.address.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
    setTimeout(() => {
      say('still here');
      void server.close();
    }, 300).unref();
  },
};

await ways[process.argv[2]](process.argv[3]);
