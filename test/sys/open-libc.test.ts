import { afterEach, describe, expect, it, vi } from 'vitest';

const { platform } = process;

afterEach(() => {
  Object.defineProperty(process, 'platform', { value: platform });
  vi.doUnmock('koffi');
  vi.resetModules();
});

describe('openLibc', () => {
  it('says how to get koffi when it is not installed', async () => {
    vi.resetModules();
    vi.doMock('koffi', () => {
      throw new Error('no such package');
    });
    const { openLibc } = await import('../../src/sys/libc.ts');
    await expect(openLibc()).rejects.toMatchObject({
      code: 'HEDDLE_UNSUPPORTED',
      message: expect.stringMatching(/^cannot load koffi, .*\. Install it with: npm install koffi$/),
      cause: expect.any(Error),
    });
  });

  it('names the platform that it does not run on', async () => {
    const { openLibc } = await import('../../src/sys/libc.ts');
    Object.defineProperty(process, 'platform', { value: 'darwin' });
    await expect(openLibc()).rejects.toMatchObject({
      code: 'HEDDLE_UNSUPPORTED',
      message: 'the epoll engine runs on Linux only, this is darwin',
    });
  });
});
