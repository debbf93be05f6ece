/**
 * Notes what the channels of its thread tell, and hands the notes out when it is asked for them: to a client that says `notes`, or with
 * its last ones in `shared`. `off` and `on` end and begin the subscription to messages. Messages are upper case in the end.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { channel, tracingChannel } from 'node:diagnostics_channel';
import { setTimeout as delay } from 'node:timers/promises';

let notes = [];
const span = new AsyncLocalStorage();
const note = (name) => (told) => {
  const { bytes, client, error, reason, thread } = told;
  notes.push([name, client?.id ?? 0, bytes ?? reason ?? error?.message ?? '', thread].join(' '));
  if (name === 'error') notes.push(error.message);
};
for (const name of ['client:open', 'client:arrive', 'client:close', 'thread:start', 'thread:stop'])
  channel(`heddle:${name}`).subscribe(note(name));
const messages = tracingChannel('heddle:message');
const subscriber = Object.fromEntries(
  ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((name) => [name, note(name)]),
);

export function on() {
  messages.subscribe(subscriber);
  messages.start.bindStore(span, ({ client }) => `span of ${client.id}`);
}

export function off() {
  messages.unsubscribe(subscriber);
  messages.start.unbindStore(span);
}

const ways = {
  notes() {
    const all = notes.join(',');
    notes = [];
    return all;
  },
  on,
  off,
  span: () => span.getStore() ?? 'none',
  async later() {
    await delay(1);
    return span.getStore() ?? 'none';
  },
  throw() {
    throw new Error('on purpose');
  },
  async reject() {
    await delay(1);
    throw new Error('late');
  },
};

on();

export const answer = (line) => (Object.hasOwn(ways, line) ? (ways[line]() ?? 'done') : line.toUpperCase());

export default {
  framing: 'line',
  encoding: 'utf8',
  open() {},
  message: answer,
};
