import { describe, expect, it } from 'vitest';
import { BriefLock } from '../../src/sharing/brief-lock.ts';
import { messageOf, startWorker } from '../support/test-worker.ts';

const WITH_LOCK = `
  const { BriefLock } = await load('sharing/brief-lock.js');
  const lock = new BriefLock(data.buffer, 0);`;

describe('BriefLock', () => {
  it('gives what is done under it, and is free afterwards', () => {
    const lock = new BriefLock(new SharedArrayBuffer(8), 0);
    expect(lock.run(0, () => 1)).toBe(1);
    expect(lock.run(0, () => 2)).toBe(2);
  });

  it('is free after what is done under it has thrown', () => {
    const lock = new BriefLock(new SharedArrayBuffer(8), 0);
    const fail = (): number => {
      throw new Error('no');
    };
    expect(() => lock.run(0, fail)).toThrow('no');
    expect(lock.run(0, () => 1)).toBe(1);
  });

  it('that is not given back is waited for once, for a second, and said once', async () => {
    const buffer = new SharedArrayBuffer(8);
    const owner = startWorker(`${WITH_LOCK} lock.enter(); post('has it'); await new Promise(() => {});`, { buffer });
    await messageOf(owner);
    let said = 0;
    const lock = new BriefLock(buffer, 0, () => said++);
    const before = performance.now();
    expect(lock.run('without', () => 'with')).toBe('without');
    expect(performance.now() - before).toBeGreaterThan(900);
    const again = performance.now();
    for (let entries = 0; entries < 100; entries++) expect(lock.run('without', () => 'with')).toBe('without');
    expect(performance.now() - again).toBeLessThan(500);
    expect(said).toBe(1);
    await owner.terminate();
  });

  it('is entered again once its owner was ended and it was given back', async () => {
    const buffer = new SharedArrayBuffer(8);
    const owner = startWorker(`${WITH_LOCK} lock.enter(); post('has it'); await new Promise(() => {});`, { buffer });
    const { threadId } = owner;
    await messageOf(owner);
    const lock = new BriefLock(buffer, 0);
    expect(lock.run('without', () => 'with')).toBe('without');
    await owner.terminate();
    expect(lock.isOf(threadId)).toBe(true);
    expect(lock.releaseFor(threadId)).toBe(true);
    expect(lock.run('without', () => 'with')).toBe('with');
  });
});
