/**
 * Asks its clients, one line each: `local` where they have connected; `early` whether their signal has fired; `wait` when it does, and
 * why; `watch` the same for a client that is gone, with `fired`; `throw` throws the reason. `reset` and `end` end them: `end` sends `last`
 * before; then `count` counts with `heard`, `send` counts refusals with `refused`, and anything else is a reply. `idle TIME` sets how long the client may be idle.
 */
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { defineService } from 'heddle';

let shared;

async function fired(signal) {
  if (!signal.aborted) await once(signal, 'abort');
  return signal.reason;
}

const answers = {
  local: ({ local }) => `${local.address} ${local.port}`,
  early: ({ signal }) => `${signal.aborted} ${signal.reason?.message}`,
  async wait({ signal }) {
    shared.heard.add();
    return `${(await fired(signal)).message}`;
  },
  async watch(client) {
    const { signal } = client;
    shared.heard.add();
    const reason = await fired(signal);
    if (reason.code === 'HEDDLE_CLOSED' && client.signal === signal) shared.fired.add();
  },
  async throw({ signal }) {
    shared.heard.add();
    throw await fired(signal);
  },
  reset(client) {
    void client.send('lost').catch(() => {});
    client.reset();
    return 'lost';
  },
  async 'later reset'(client) {
    await setImmediate();
    client.reset();
  },
  end(client) {
    void client.send('last');
    client.end();
  },
  idle: (client, duration) => client.idleTimeout(duration),
  count: () => void shared.heard.add(),
  async send(client) {
    const error = await client.send('too late').catch(String);
    if (
      error ===
      'HeddleError: Nothing can be sent after client.end(), which has ended this side of the connection: send it before, or do not reply'
    )
      shared.refused.add();
  },
  close: (client) => void client.close(),
};

export default defineService({
  framing: 'line',
  encoding: 'utf8',
  start: (thread) => void ({ shared } = thread),
  message(line, client) {
    const [name, argument] = line.split(/ (?!reset)/);
    return answers[name] === undefined ? line : answers[name](client, argument);
  },
  close(client) {
    if (client.signal.aborted) shared?.gone?.add();
  },
});
