/** What a server that cannot be made leaves behind. Its threads are never started: this is the source, not the build. */
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { HeddleError } from '../../src/errors.ts';
import type { ServeOptions } from '../../src/options/serve-options.ts';
import { serve } from '../../src/server/server.ts';
import { testFolder } from '../support/folder.ts';
import { quietPort } from '../support/quiet-port.ts';
import { ENGINE, noUnix, openDescriptors, service } from './running.ts';

const limit = vi.hoisted(() => ({ isReached: false, started: 0 }));
vi.mock('node:worker_threads', async (load) => {
  const real = await load<typeof import('node:worker_threads')>();
  class Worker extends real.Worker {
    constructor(...args: ConstructorParameters<typeof real.Worker>) {
      if (limit.isReached) throw Object.assign(new Error('EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' });
      limit.started++;
      super(...args);
    }
  }
  return { ...real, Worker };
});
afterEach(() => void Object.assign(limit, { isReached: false, started: 0 }));

function failure(options: ServeOptions): Promise<HeddleError> {
  return serve({ service: service('echo'), engine: ENGINE, ...options }).then(
    () => expect.unreachable('it started'),
    (error: HeddleError) => error,
  );
}

/** The error code of a connection to `port`. */
function refusal(port: number): Promise<unknown> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    socket.on('connect', () => socket.destroy(new Error('it listens')));
  });
}

describe('a server for which no thread can be started', () => {
  it('says which limit is reached, and leaves its port', async () => {
    const port = await quietPort();
    limit.isReached = true;
    const before = openDescriptors();
    const error = await failure({ host: '127.0.0.1', port });
    expect(error).toMatchObject({ name: 'HeddleError', code: 'HEDDLE_UNSUPPORTED', errno: 'EAGAIN' });
    expect(error.message).toMatch(/^The system starts no more threads for this process \(EAGAIN\): /);
    expect(await refusal(port)).toBe('ECONNREFUSED');
    expect(openDescriptors()).toBe(before);
  });

  it.skipIf(noUnix)('leaves no file of its Unix socket', async () => {
    const path = join(testFolder(), 'socket');
    limit.isReached = true;
    expect(await failure({ unix: path })).toMatchObject({ code: 'HEDDLE_UNSUPPORTED' });
    expect(existsSync(path)).toBe(false);
  });
});

describe('a server with what threads cannot share', () => {
  it('starts no thread, and leaves its port', async () => {
    const port = await quietPort();
    const error = await failure({ host: '127.0.0.1', port, shared: { state: { count: 0 } } });
    expect(error).toMatchObject({ code: 'HEDDLE_INVALID_OPTION' });
    expect(limit.started).toBe(0);
    expect(await refusal(port)).toBe('ECONNREFUSED');
  });
});
