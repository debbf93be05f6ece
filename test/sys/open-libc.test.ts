import { afterEach, describe, expect, it, vi } from 'vitest';

const { platform } = process;

afterEach(() => {
  Object.defineProperty(process, 'platform', { value: platform });
  vi.doUnmock('node:module');
  vi.resetModules();
});

describe('openLibc', () => {
  it('says how to get koffi when it is not installed', async () => {
    vi.resetModules();
    const require = () => {
      throw new Error('no such package');
    };
    vi.doMock('node:module', () => ({ createRequire: () => require }));
    const { openLibc } = await import('../../src/sys/libc.ts');
    expect(openLibc).toThrow(
      expect.objectContaining({
        code: 'HEDDLE_UNSUPPORTED',
        message: expect.stringMatching(/^cannot load koffi, .*\. Install it with: npm install koffi$/),
        cause: expect.any(Error),
      }),
    );
  });

  it('names the platform that it does not run on', async () => {
    const { openLibc } = await import('../../src/sys/libc.ts');
    Object.defineProperty(process, 'platform', { value: 'darwin' });
    expect(openLibc).toThrow(
      expect.objectContaining({
        code: 'HEDDLE_UNSUPPORTED',
        message: 'the epoll engine runs on Linux only, this is darwin',
      }),
    );
  });
});
