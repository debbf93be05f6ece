import { beforeEach, describe, expect, it, vi } from 'vitest';
import { HeddleError } from '../../src/errors.ts';
import { nameInLibrary } from '../../src/options/source.ts';
import type { ServerAddress } from '../../src/listen/listening-socket.ts';
import { listenAt, type TcpTarget } from '../../src/listen/tcp-address.ts';

/** `two` has an address of each family, whatever this machine knows of names. */
vi.mock('node:dns/promises', () => ({
  lookup: () =>
    Promise.resolve([
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ]),
}));

class Opened {
  readonly address: ServerAddress;
  isClosed = false;

  constructor({ address: { address: host, family, port } }: TcpTarget) {
    this.address = { family: family === 'IPv6' ? 'IPv6' : 'IPv4', host, port: port === 0 ? nextPort++ : port };
  }

  readonly close = (): void => {
    this.isClosed = true;
  };
}

let nextPort = 5000;
let all: Opened[] = [];
beforeEach(() => {
  nextPort = 5000;
  all = [];
});

const failed = (errno: string): HeddleError => new HeddleError('HEDDLE_LISTEN', errno, { errno });

/** Listens on all addresses of `two`; `problem` says with what errno that fails. */
function listen(port: number, problem: (target: TcpTarget) => string | undefined = () => undefined) {
  const open = (target: TcpTarget): Opened => {
    const errno = problem(target);
    if (errno !== undefined) throw failed(errno);
    const opened = new Opened(target);
    all.push(opened);
    return opened;
  };
  return listenAt({ host: 'two', port, isListed: false, nameOf: nameInLibrary }, open);
}

const hosts = (opened: readonly Opened[]): string[] => opened.map(({ address: { host, port } }) => `${host} ${port}`);

describe('the addresses of a name', () => {
  it('are all listened on, each once, with one port', async () => {
    expect(hosts(await listen(80))).toEqual(['::1 80', '127.0.0.1 80']);
    expect(hosts(await listen(0))).toEqual(['::1 5000', '127.0.0.1 5000']);
  });

  it('are tried with another port where any will do and one of them has it already', async () => {
    expect(hosts(await listen(0, ({ address }) => (address.port === 5000 ? 'EADDRINUSE' : undefined)))).toEqual([
      '::1 5001',
      '127.0.0.1 5001',
    ]);
    expect(all.map(({ isClosed }) => isClosed)).toEqual([true, false, false]);
  });

  it('are left out where this machine does not have them, unless it has none', async () => {
    const without6 = ({ address }: TcpTarget) => (address.family === 'IPv6' ? 'EADDRNOTAVAIL' : undefined);
    expect(hosts(await listen(80, without6))).toEqual(['127.0.0.1 80']);
    await expect(listen(80, () => 'EADDRNOTAVAIL')).rejects.toThrow('EADDRNOTAVAIL');
  });

  it('are all given up if one of them cannot be had', async () => {
    const taken4 = ({ address }: TcpTarget) => (address.family === 'IPv4' ? 'EADDRINUSE' : undefined);
    await expect(listen(80, taken4)).rejects.toThrow('EADDRINUSE');
    expect(all.map(({ isClosed }) => isClosed)).toEqual([true]);
  });
});
