/**
 * Asks its clients as `asked.mjs` does, in a session. `receive TIME` waits so long for another line, `abort` until a signal is aborted, `bad`
 * with no duration; `poll` waits again and again, for 5 ms each. `read TIME`, `until TIME` and `body TIME` wait so long for bytes, and
 * `unread` for all of these, with a signal that is aborted.
 */
import { once } from 'node:events';
import { defineService } from 'heddle';

let shared;

async function fired(signal) {
  if (!signal.aborted) await once(signal, 'abort');
  return signal.reason;
}

const BODY_BYTES = 8;

async function bodyOf(client, options) {
  const pieces = [];
  for await (const piece of client.body(BODY_BYTES, options)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** What has come of `message`, a promise or a function that makes one. */
async function received(message) {
  try {
    return `got ${await (typeof message === 'function' ? message() : message)}`;
  } catch (error) {
    return `${error.code ?? error.name}: ${error.message}`;
  }
}

const answers = {
  local: ({ local }) => `${local.address} ${local.port}`,
  receive: (client, timeout) => received(client.receive({ timeout })),
  read: (client, timeout) => received(() => client.read(1, { timeout })),
  until: (client, timeout) => received(() => client.readUntil('--', { timeout })),
  body: (client, timeout) => received(() => bodyOf(client, { timeout })),
  async unread(client) {
    const calls = [
      (options) => client.read(1, options),
      (options) => client.readUntil('--', options),
      (options) => bodyOf(client, options),
    ];
    const outcomes = [];
    for (const call of calls) {
      const controller = new AbortController();
      const outcome = received(() => call({ signal: controller.signal }));
      setImmediate(() => controller.abort(new TypeError('no more')));
      outcomes.push(await outcome);
    }
    return outcomes.join(', ');
  },
  bad: (client) => received(client.receive({ timeout: 'soon' })),
  async abort(client) {
    const controller = new AbortController();
    const message = received(client.receive({ signal: controller.signal }));
    setImmediate(() => controller.abort(new TypeError('no more')));
    return message;
  },
  async poll(client) {
    for (;;)
      await client.receive({ timeout: '5ms' }).catch(({ code }) => code === 'HEDDLE_TIMEOUT' || Promise.reject(code));
  },
  aborted: (client) => received(client.receive({ signal: AbortSignal.abort(new TypeError('before')) })),
  async wait({ signal }) {
    shared.heard.add();
    return (await fired(signal)).message;
  },
  async watch({ signal }) {
    shared.heard.add();
    await fired(signal);
    shared.fired.add();
  },
  idle: (client, duration) => client.idleTimeout(duration),
  reset: (client) => client.reset(),
  async end(client) {
    await client.send('last');
    client.end();
    const error = await client.send('too late').catch(String);
    if (error.startsWith('HeddleError: Nothing can be sent after client.end()')) shared.refused.add();
    for await (const line of client) shared.heard.add(Number(line));
    return 'nobody';
  },
};

export default defineService({
  framing: 'line',
  encoding: 'utf8',
  start: (thread) => void ({ shared } = thread),
  async session(client) {
    for await (const line of client) {
      const [name, argument] = line.split(' ');
      const answer = await answers[name](client, argument);
      if (answer === 'nobody') return;
      if (answer !== undefined) await client.send(answer);
    }
  },
});
