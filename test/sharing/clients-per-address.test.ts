import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/ip-address.ts';
import { ClientsPerAddress } from '../../src/sharing/clients-per-address.ts';
import { ConnectionTable } from '../../src/sharing/connection-table.ts';
import { withoutKernel } from '../../src/sys/without-kernel.ts';
import { runWorker } from '../support/test-worker.ts';

const FDS = 40;
const bytesOf = (address: string): Uint8Array => parseAddress(address) as Uint8Array;

/** A table whose clients come and go by their fds. */
class Clients {
  readonly table = ConnectionTable.create(FDS);
  readonly clients = ClientsPerAddress.create(this.table);
  readonly #tickets = new Map<number, number>();

  /** Lets the client of `fd` in, as the acceptor does: it is counted before it has its slot. */
  come(fd: number, address: string, most = 2): boolean {
    if (!this.clients.add(fd, bytesOf(address), most)) return false;
    this.place(fd, address);
    return true;
  }

  place(fd: number, address: string): void {
    const generation = this.table.admit(fd, 0, fd, bytesOf(address), 1, 0);
    this.table.settle(fd, generation);
    this.#tickets.set(fd, generation);
  }

  /** Has it reported as closed next, as its thread does. */
  beginClose(fd: number): void {
    const generation = this.#tickets.get(fd) as number;
    this.table.take(fd, generation);
    this.table.closing(fd, generation);
  }

  leave(fd: number): void {
    this.table.free(fd, this.#tickets.get(fd) as number, withoutKernel);
    this.#tickets.delete(fd);
  }

  get here(): number[] {
    return [...this.#tickets.keys()];
  }
}

describe('clients of an address', () => {
  it('count until they are being closed', () => {
    const all = new Clients();
    all.come(1, '192.0.2.1', 1);
    all.beginClose(1);
    expect(all.come(2, '192.0.2.1', 1)).toBe(true);
    all.leave(1);
    expect([all.come(1, '192.0.2.1', 1), all.come(1, '198.51.100.1', 1)]).toEqual([false, true]);
  });

  it('do not count when their slots are free', () => {
    const all = new Clients();
    expect([all.come(1, '192.0.2.1'), all.come(2, '192.0.2.1'), all.come(3, '192.0.2.1')]).toEqual([true, true, false]);
    all.leave(1);
    expect([all.come(1, '192.0.2.1'), all.come(3, '192.0.2.1')]).toEqual([true, false]);
  });

  it('count when they are about to have a slot', () => {
    const all = new Clients();
    all.clients.add(1, bytesOf('192.0.2.1'), 2);
    all.clients.add(2, bytesOf('192.0.2.1'), 2);
    expect(all.come(3, '192.0.2.1')).toBe(false);
  });

  it('count by their /64 with IPv6, apart from IPv4 with the same bits', () => {
    const all = new Clients();
    expect([all.come(1, '::1', 1), all.come(2, '::2', 1), all.come(3, '0:0:0:1::1', 1)]).toEqual([true, false, true]);
    expect([all.come(4, '0.0.0.0', 1), all.come(5, '0.0.0.1', 1), all.come(6, '0.0.0.1', 1)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('do not count for the client before on the same fd', () => {
    const all = new Clients();
    all.come(1, '192.0.2.1', 1);
    all.leave(1);
    all.clients.forget(1);
    all.place(1, '198.51.100.1');
    expect(all.come(2, '192.0.2.1', 1)).toBe(true);
  });

  it('are as many as a plain count says, whatever comes and goes', () => {
    const address = fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2', '2001:db8:0:1::1');
    const step = fc.record({ fd: fc.nat(FDS - 1), address, isProxied: fc.boolean() });
    const keyOf = (text: string): string => (text.startsWith('2001:db8::') ? '2001:db8::/64' : text);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const all = new Clients();
        const addresses = new Map<number, string>();
        for (const { fd, address: from, isProxied } of steps) {
          if (all.here.includes(fd)) {
            all.leave(fd);
            addresses.delete(fd);
            continue;
          }
          const count = [...addresses.values()].filter((other) => keyOf(other) === keyOf(from)).length;
          if (isProxied) {
            // The client is placed first, and counted once its header is read.
            all.clients.forget(fd);
            all.place(fd, '127.0.0.1');
          }
          const isIn = isProxied ? all.clients.add(fd, bytesOf(from), 5) : all.come(fd, from, 5);
          expect(isIn).toBe(count < 5);
          if (isIn) addresses.set(fd, from);
          else if (isProxied) all.leave(fd);
        }
      }),
      { numRuns: 500, seed: 20_261_129 },
    );
  });

  it('are never more than may be, however many threads let them in', async () => {
    const table = ConnectionTable.create(4000);
    const clients = ClientsPerAddress.create(table);
    for (let fd = 0; fd < 4000; fd++) table.admit(fd, 0, fd, bytesOf('127.0.0.1'), 1, 0);
    const body = `
      const { ConnectionTable } = await load('sharing/connection-table.ts');
      const { ClientsPerAddress } = await load('sharing/clients-per-address.ts');
      const clients = new ClientsPerAddress(data.buffer, new ConnectionTable(data.table));
      let count = 0;
      for (let fd = data.from; fd < data.from + 1000; fd++) if (clients.add(fd, data.address, 1500)) count++;
      post(count);`;
    const shared = { table: table.buffer, buffer: clients.buffer, address: bytesOf('192.0.2.1') };
    const counts = await Promise.all([0, 1000, 2000, 3000].map((from) => runWorker<number>(body, { ...shared, from })));
    expect(counts.reduce((sum, count) => sum + count)).toBe(1500);
  });

  it('are counted on when a thread has ended in the middle of an entry', () => {
    const all = new Clients();
    const words = new Int32Array(all.clients.buffer);
    all.come(1, '192.0.2.1');
    // The entry of fd 2 says that it is in a list, which it has not got into; that of fd 1 is out of its list, and says that it is not.
    const entries = words.length - FDS * 8;
    words[entries + 2 * 8 + 1] = 7;
    words.fill(0, 2, entries);
    expect([all.come(2, '192.0.2.1', 1), all.come(3, '192.0.2.1', 1)]).toEqual([true, false]);
    all.leave(1);
    expect(all.come(1, '192.0.2.2', 1)).toBe(true);
  });
});
