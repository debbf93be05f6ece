import { describe, expect, it } from 'vitest';
import { textLine } from '../../src/log/text-line.ts';
import { service, start } from './running.ts';

const ODD = service('odd-throws');
const THINGS = [
  'undefined',
  'text',
  'symbol',
  'function',
  'object',
  'bare',
  'message-object',
  'stack-number',
  'trap',
  'long',
];

describe('a service that throws what no error should be', () => {
  it.each(['throw', 'reject'])('(%s) loses that client only, and it is said once', async (way) => {
    await using running = await start(ODD, { threads: 1 });
    await using bystander = await running.connect();
    for (const thing of THINGS) {
      await using peer = await running.connect();
      expect(String(await peer.send(`${way} ${thing}\n`).rest())).toBe('');
      expect((await running.closeOf(peer)).reason).toBe('service-error');
      expect(await bystander.ask('hello')).toBe('hello');
    }
    const errors = await running.all('service-error');
    expect(errors).toHaveLength(THINGS.length);
    for (const event of errors) expect(textLine(event)?.text).toMatch(/^The service failed with client /);
    expect(await running.all('thread-exit')).toEqual([]);
  });

  it('later, where nobody can catch it, ends its thread and no other', async () => {
    await using running = await start(ODD, { threads: 2 });
    for (const [index, thing] of THINGS.entries()) {
      await using peer = await running.connect();
      expect(String(await peer.send(`later ${thing}\n`).rest())).toBe('');
      expect((await running.closeOf(peer)).reason).toBe('thread-exit');
      const exits = await running.seen('thread-exit', index + 1);
      expect(textLine(exits.at(-1) as (typeof exits)[number])?.text).toMatch(/^Thread \d+ ended \(error\): ./);
      await using next = await running.connect();
      expect(await next.ask('hello')).toBe('hello');
    }
  });
});
