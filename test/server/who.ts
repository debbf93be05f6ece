/** What is asked of servers of the services `who` and `who-session`, over any engine. */
import { Counter } from 'heddle';
import { expect } from 'vitest';
import type { ServeOptions } from '../../src/options/serve-options.ts';
import type { Peer } from './peer.ts';
import { type Running, service, start } from './running.ts';

type Dial = (running: Running) => Promise<Peer>;

/** A thread that serves all clients, and how many of their hooks have found somebody. */
async function startWho(name: string, options: ServeOptions) {
  const strangers = new Counter();
  const running = await start(service(name), { threads: 1, shared: { strangers }, ...options });
  return { running, strangers };
}

/** Logs in on one connection in every way, and asks on it and on another, until both have left. */
export async function expectNobody(dial: Dial, options: ServeOptions = {}): Promise<void> {
  const { running, strangers } = await startWho('who', options);
  await using _ = running;
  const [alice, other] = [await dial(running), await dial(running)];
  expect(await other.ask('who')).toBe('nobody');
  for (const way of ['login', 'nested', 'later', 'run']) {
    const answer = { login: 'hello alice', nested: 'hello alice', later: 'alice', run: 'alice' }[way];
    expect(await alice.ask(`${way} alice`)).toBe(answer);
    expect([await alice.ask('who'), await other.ask('who')]).toEqual(['nobody', 'nobody']);
  }
  expect([await alice.send('login alice\nwho\n').line(), await alice.line()]).toEqual(['hello alice', 'nobody']);
  const gone = await dial(running);
  expect(String(await gone.send('throw alice\n').rest())).toBe('');
  expect((await running.closeOf(gone)).reason).toBe('service-error');
  await using late = await dial(running);
  expect([await late.ask('who'), await other.ask('who')]).toEqual(['nobody', 'nobody']);
  await alice.leave();
  await other.leave();
  await running.seen('close', 3);
  expect(await late.ask('who')).toBe('nobody');
  expect(strangers.value).toBe(0);
}

/** The same for sessions, which keep what they have entered. */
export async function expectOwnSession(dial: Dial, options: ServeOptions = {}): Promise<void> {
  const { running, strangers } = await startWho('who-session', options);
  await using _ = running;
  await using alice = await dial(running);
  await using other = await dial(running);
  expect(await alice.ask('login alice')).toBe('hello alice');
  expect([await alice.ask('who'), await other.ask('who')]).toEqual(['alice', 'nobody']);
  other.socket.pause();
  expect(await alice.ask('flood')).toBe('flooded');
  expect((await running.closeOf(other)).reason).toBe('over-limit');
  await using late = await dial(running);
  expect([await alice.ask('who'), await late.ask('who')]).toEqual(['alice', 'nobody']);
  expect(strangers.value).toBe(0);
}
