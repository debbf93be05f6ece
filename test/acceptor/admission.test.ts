import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Admission, type AdmissionLimits } from '../../src/acceptor/admission.ts';
import type { ServerEvent } from '../../src/log/event.ts';
import { parseAddress, UNIX_ADDRESS } from '../../src/ip-address.ts';
import { type Cidr, parseCidr } from '../../src/options/values/cidr.ts';
import { AcceptorCounters } from '../../src/sharing/acceptor-counters.ts';
import { ConnectionTable } from '../../src/sharing/connection-table.ts';
import { ThreadBoard } from '../../src/sharing/thread-board.ts';
import { withoutKernel } from '../../src/sys/without-kernel.ts';
import { flakySys } from '../support/flaky-sys.ts';
import { sys } from '../support/loopback.ts';
import { NO_LIMITS } from '../support/no-limits.ts';

function* always(result: number): Generator<number> {
  for (;;) yield result;
}

/** Limits with networks as text. */
type TextLimits = Partial<Omit<AdmissionLimits, 'allow' | 'deny'>> & { allow?: string[]; deny?: string[] };

function cidrs(texts: readonly string[]): readonly Cidr[] {
  return texts.map(parseCidr).filter((cidr) => cidr !== undefined);
}

/** An admission whose clients come as numbers: nothing is really accepted. */
class Gate {
  readonly board = ThreadBoard.create(2);
  readonly table = ConnectionTable.create(100);
  readonly counters = new AcceptorCounters();
  readonly events: ServerEvent[] = [];
  readonly flaky = flakySys(sys, { close: always(0) });
  readonly admission: Admission;
  readonly #tickets = new Map<number, number>();

  constructor({ allow, deny, ...limits }: TextLimits) {
    const { board, counters, flaky, table } = this;
    const report = (event: ServerEvent): void => void this.events.push(event);
    this.admission = new Admission(
      { sys: flaky.sys, board, counters, report, table },
      { ...NO_LIMITS, ...limits, allow: allow && cidrs(allow), deny: deny && cidrs(deny) },
    );
  }

  /** A client comes as `fd`, to `thread` if it is let in. */
  come(fd: number, address: string, thread = fd % 2): boolean {
    const bytes = parseAddress(address) ?? UNIX_ADDRESS;
    if (!this.admission.admits(fd, { bytes, port: 1000 + fd })) return false;
    const generation = this.table.admit(fd, thread, fd, bytes, 0, 0);
    this.table.settle(fd, generation);
    this.board.row(thread).addClients(1);
    this.#tickets.set(fd, generation);
    return true;
  }

  /** The client of `fd` leaves, closed by whoever has it. */
  leave(fd: number, thread = fd % 2): void {
    this.board.row(thread).addClients(-1);
    this.table.free(fd, this.#tickets.get(fd) as number, withoutKernel);
  }

  get closed(): unknown[] {
    return this.flaky.calls('close').map(([fd]) => fd);
  }
}

describe('maxClients', () => {
  it('closes the door when there are as many on all threads together, and opens it for each that leaves', () => {
    const gate = new Gate({ maxClients: 3 });
    for (const fd of [10, 11, 12]) {
      expect(gate.admission.isOpen).toBe(true);
      expect(gate.come(fd, '1.1.1.1')).toBe(true);
    }
    expect(gate.admission.isOpen).toBe(false);
    gate.leave(11);
    expect(gate.admission.isOpen).toBe(true);
    expect(gate.come(11, '1.1.1.1')).toBe(true);
    expect(gate.admission.isOpen).toBe(false);
    expect(gate.counters.rejected).toEqual({ 'over-limit': 0, denied: 0 });
  });

  it('counts connections until they are closed, those too whose end was reported', () => {
    const gate = new Gate({ maxClients: 1 });
    gate.come(10, '1.1.1.1');
    const row = gate.board.row(0);
    row.addClosing(1);
    row.addClients(-1);
    expect(gate.admission.isOpen).toBe(false);
    row.addClosing(-1);
    expect(gate.admission.isOpen).toBe(true);
  });

  it('is counted each time it is reached, and reported at most once a minute', () => {
    const gate = new Gate({ maxClients: 1 });
    const comeAndGo = (now: number): void => {
      gate.come(10, '1.1.1.1');
      gate.admission.look(now);
      gate.admission.look(now + 1);
      gate.leave(10);
      gate.admission.look(now + 2);
    };
    comeAndGo(0);
    comeAndGo(59_000);
    expect(gate.events).toMatchObject([{ type: 'accept-paused', cause: 'max-clients' }]);
    comeAndGo(60_000);
    expect(gate.events).toHaveLength(2);
    expect(gate.counters.pauses).toEqual({ 'no-files': 0, 'no-memory': 0, 'max-clients': 3 });
  });

  it('is not passed when clients change threads', () => {
    const gate = new Gate({ maxClients: 2 });
    gate.come(10, '1.1.1.1', 0);
    gate.come(11, '1.1.1.1', 0);
    gate.board.row(0).addClients(-1);
    gate.board.row(1).addClients(1);
    expect(gate.admission.isOpen).toBe(false);
  });

  it('with overflow reject closes those beyond it, and says so', () => {
    const gate = new Gate({ maxClients: 1, overflow: 'reject' });
    expect([gate.come(10, '1.1.1.1'), gate.come(11, '1.1.1.2')]).toEqual([true, false]);
    expect([gate.admission.isOpen, gate.closed]).toEqual([true, [11]]);
    expect(gate.counters.rejected).toEqual({ 'over-limit': 1, denied: 0 });
    expect(gate.events).toMatchObject([{ type: 'reject', address: '1.1.1.2', port: 1011, reason: 'over-limit' }]);
    gate.leave(10);
    expect(gate.come(11, '1.1.1.2')).toBe(true);
  });

  it('does not help a client whose fd has no slot', () => {
    const gate = new Gate({});
    expect([gate.come(100, '1.1.1.1'), gate.come(99, '1.1.1.1')]).toEqual([false, true]);
    expect([gate.closed, gate.counters.rejected['over-limit']]).toEqual([[100], 1]);
  });
});

describe('places that are kept', () => {
  it('are nobody else’s, and no more than there are', () => {
    const gate = new Gate({ maxClients: 4 });
    expect(gate.come(0, '192.0.2.1')).toBe(true);
    expect([gate.admission.reserve(2), gate.come(1, '192.0.2.1'), gate.admission.isOpen]).toEqual([2, true, false]);
    expect([gate.come(2, '192.0.2.1'), gate.admission.reserve(5)]).toEqual([false, 0]);
    gate.leave(0);
    expect([gate.admission.isOpen, gate.admission.reserve(5), gate.admission.isOpen]).toEqual([true, 1, false]);
    gate.admission.giveBack(3);
    expect([
      gate.admission.isOpen,
      gate.come(2, '192.0.2.1'),
      gate.come(3, '192.0.2.1'),
      gate.come(4, '192.0.2.1'),
    ]).toEqual([true, true, true, true]);
    expect(gate.admission.isOpen).toBe(false);
  });

  it('are for clients who count for their address, also beyond its limit', () => {
    const gate = new Gate({ maxClients: 10, maxClientsPerAddress: 1 });
    const bytes = parseAddress('192.0.2.1') as Uint8Array;
    gate.admission.reserve(2);
    for (const fd of [0, 1]) {
      gate.admission.takeReserved(fd, bytes);
      gate.table.settle(fd, gate.table.admit(fd, 0, fd, bytes, 0, 0));
      gate.board.row(0).addClients(1);
    }
    expect([gate.come(2, '192.0.2.1'), gate.come(3, '192.0.2.2')]).toEqual([false, true]);
  });
});

describe('maxClientsPerAddress', () => {
  it('counts IPv4 by address', () => {
    const gate = new Gate({ maxClientsPerAddress: 2 });
    const come = (fd: number, address: string): boolean => gate.come(fd, address);
    expect([come(10, '1.1.1.1'), come(11, '1.1.1.1'), come(12, '1.1.1.1'), come(12, '1.1.1.2')]).toEqual([
      true,
      true,
      false,
      true,
    ]);
    expect(gate.counters.rejected).toEqual({ 'over-limit': 1, denied: 0 });
  });

  it('counts IPv6 by /64', () => {
    const gate = new Gate({ maxClientsPerAddress: 1 });
    expect([
      gate.come(10, '2001:db8::1'),
      gate.come(11, '2001:db8::ffff:0:0:1'),
      gate.come(11, '2001:db8:0:1::1'),
    ]).toEqual([true, false, true]);
  });

  it('lets the next one in when one has left', () => {
    const gate = new Gate({ maxClientsPerAddress: 2 });
    gate.come(10, '1.1.1.1');
    gate.come(11, '1.1.1.1');
    gate.leave(10);
    expect([gate.come(12, '1.1.1.1'), gate.come(13, '1.1.1.1')]).toEqual([true, false]);
  });

  it('knows whose an fd is when it comes again for another address', () => {
    const gate = new Gate({ maxClientsPerAddress: 2 });
    gate.come(10, '1.1.1.1');
    gate.come(11, '1.1.1.1');
    gate.leave(10);
    gate.come(10, '1.1.1.2');
    expect([gate.come(12, '1.1.1.1'), gate.come(13, '1.1.1.1'), gate.come(13, '1.1.1.2')]).toEqual([true, false, true]);
  });

  it('is exact through any comings and goings', () => {
    const gate = new Gate({ maxClientsPerAddress: 3 });
    const addresses = ['1.1.1.1', '1.1.1.2', '::1', '2001:db8::1'];
    const here = new Map<number, string>();
    let seed = 7;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % below;
    };
    for (let step = 0; step < 5000; step++) {
      const fd = random(20);
      if (here.delete(fd)) {
        gate.leave(fd);
        continue;
      }
      const address = addresses[random(addresses.length)] as string;
      const count = [...here.values()].filter((other) => other === address).length;
      expect(gate.come(fd, address), `step ${step}`).toBe(count < 3);
      if (count < 3) here.set(fd, address);
    }
  });
});

describe('allow and deny', () => {
  it.each<[TextLimits, string, boolean]>([
    [{ deny: ['10.0.0.0/8'] }, '10.1.1.1', false],
    [{ deny: ['10.0.0.0/8'] }, '11.1.1.1', true],
    [{ allow: ['10.0.0.0/8', '::1'] }, '10.1.1.1', true],
    [{ allow: ['10.0.0.0/8', '::1'] }, '::1', true],
    [{ allow: ['10.0.0.0/8', '::1'] }, '11.1.1.1', false],
    [{ allow: ['10.0.0.0/8'], deny: ['10.9.0.0/16'] }, '10.9.1.1', false],
    [{ allow: ['10.9.0.0/16'], deny: ['10.0.0.0/8'] }, '10.9.1.1', false],
  ])('with %j, from %s: %j', (limits, address, isIn) => {
    const gate = new Gate(limits);
    expect(gate.come(10, address)).toBe(isIn);
    expect(gate.counters.rejected).toEqual({ 'over-limit': 0, denied: isIn ? 0 : 1 });
    expect(gate.closed).toEqual(isIn ? [] : [10]);
  });

  it('say nothing of clients of a Unix socket, which have no address', () => {
    const gate = new Gate({ deny: ['::/0'], allow: ['10.0.0.0/8'], maxClientsPerAddress: 1 });
    expect([gate.come(10, 'unix'), gate.come(11, 'unix')]).toEqual([true, true]);
  });

  it('say no before any count does', () => {
    const gate = new Gate({ deny: ['10.0.0.0/8'], maxClients: 1, overflow: 'reject' });
    gate.come(10, '1.1.1.1');
    gate.come(11, '10.1.1.1');
    expect(gate.events).toMatchObject([{ reason: 'denied' }]);
  });
});

describe('a flood of clients that are turned away', () => {
  it('is reported with some lines a second, then with the number of the others', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const gate = new Gate({ deny: ['0.0.0.0/0'] });
    for (let count = 0; count < 300; count++) gate.come(10, '1.1.1.1');
    gate.admission.look(performance.now());
    expect(gate.events.map(({ type }) => type)).toEqual(Array.from({ length: 10 }, () => 'reject'));
    vi.advanceTimersByTime(1000);
    gate.admission.look(performance.now());
    gate.come(10, '1.1.1.1');
    vi.advanceTimersByTime(1000);
    gate.admission.look(performance.now());
    expect(gate.events.slice(10)).toMatchObject([{ type: 'rejects-hidden', count: 290 }, { type: 'reject' }]);
    expect(gate.counters.rejected.denied).toBe(301);
  });

  it('that the server’s end interrupts is reported whole', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const gate = new Gate({ deny: ['0.0.0.0/0'] });
    for (let count = 0; count < 12; count++) gate.come(10, '1.1.1.1');
    gate.admission.reportHidden();
    gate.admission.reportHidden();
    expect(gate.events.slice(10)).toMatchObject([{ type: 'rejects-hidden', count: 2 }]);
  });
});
