import { expect, it, vi } from 'vitest';
import { HeddleError } from '../../src/errors.ts';
import { nameInLibrary } from '../../src/options/source.ts';
import { canHandOver, openEngine } from '../../src/server/open-engine.ts';

const { openLibc } = vi.hoisted(() => ({ openLibc: vi.fn<() => unknown>() }));
vi.mock('../../src/sys/libc.ts', () => ({ openLibc }));

const noKoffi = new HeddleError('HEDDLE_UNSUPPORTED', 'cannot load koffi. Install it with: npm install koffi');

function refuse(): never {
  throw noKoffi;
}

it.each([
  ['20.20.2', false],
  ['24.20.9', false],
  ['24.21.0', true],
  ['25.9.0', false],
  ['26.5.0', false],
  ['26.6.0', true],
  ['26.10.1', true],
  ['27.0.0', true],
])('sockets can be handed to other threads in Node %s: %s', (version, can) => {
  expect(canHandOver(version)).toBe(can);
});

it('auto and epoll take epoll where it can run', () => {
  openLibc.mockReturnValue({});
  expect([openEngine('auto', nameInLibrary).name, openEngine('epoll', nameInLibrary).name]).toEqual(['epoll', 'epoll']);
});

it('epoll that cannot run is refused, for the reason why', () => {
  openLibc.mockImplementation(refuse);
  expect(() => openEngine('epoll', nameInLibrary)).toThrow(noKoffi);
});

it.runIf(canHandOver())('auto takes net where epoll cannot run; net asks nobody', () => {
  openLibc.mockImplementation(refuse);
  expect(openEngine('auto', nameInLibrary).name).toBe('net');
  openLibc.mockClear();
  expect(openEngine('net', nameInLibrary).name).toBe('net');
  expect(openLibc).not.toHaveBeenCalled();
});

it.skipIf(canHandOver())('auto says what either engine needs where neither can run', () => {
  openLibc.mockImplementation(refuse);
  const refusal = {
    code: 'HEDDLE_UNSUPPORTED',
    message: `No engine can run here. epoll: cannot load koffi. Install it with: npm install koffi. net: it needs Node 24.21 or newer of version 24, or Node 26.6 or newer, this is ${process.versions.node}`,
  };
  expect(() => openEngine('auto', nameInLibrary)).toThrow(expect.objectContaining(refusal));
});
