import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressCosts, ClientCosts, rankOf } from '../../../src/supervisor/waiting-room/costs.ts';
import { parseAddress } from '../../../src/ip-address.ts';
import { BLOCKING, COMPUTING, LIGHT, NEWCOMER } from '../../../src/sharing/client-kind.ts';
import { ConnectionTable } from '../../../src/sharing/connection-table.ts';
import { withoutKernel } from '../../../src/sys/without-kernel.ts';

const FD = 5;
const NOW = 100_000;

function client(address = '192.0.2.1') {
  const table = ConnectionTable.create(64);
  table.admit(FD, 0, 1, parseAddress(address) as Uint8Array, 1, 0);
  return { table, costs: new ClientCosts(table), addresses: new AddressCosts(table) };
}

describe('a client', () => {
  it('is expensive when its messages have cost 50 ms, and what it has cost counts half after 5 s', () => {
    const { costs, table } = client();
    costs.charge(FD, 40, false, NOW);
    expect([table.kind(FD), costs.of(FD, NOW)]).toEqual([NEWCOMER, 40]);
    expect(costs.of(FD, NOW + 5_000)).toBeCloseTo(20, 1);
    costs.charge(FD, 40, false, NOW + 5_000);
    expect([table.kind(FD), Math.round(costs.of(FD, NOW + 5_000))]).toEqual([COMPUTING, 60]);
  });

  it('is not expensive for one pause of the garbage collector, nor for a slow message now and then', () => {
    const { costs, table } = client();
    for (let second = 0; second < 600; second += 10) costs.charge(FD, 35, false, NOW + second * 1000);
    expect(table.kind(FD)).toBe(NEWCOMER);
  });

  it('is known before its message is over, and charged when it is', () => {
    const { costs, table } = client();
    costs.foresee(FD, { cpu: 60, wall: 300, waited: false }, NOW);
    expect([table.kind(FD), costs.of(FD, NOW)]).toEqual([COMPUTING, 0]);
  });

  it('whose thread waits is charged the time, and told from one that computes', () => {
    const { costs, table } = client();
    costs.foresee(FD, { cpu: 1, wall: 40, waited: true }, NOW);
    expect(table.kind(FD)).toBe(NEWCOMER);
    costs.foresee(FD, { cpu: 1, wall: 60, waited: true }, NOW);
    expect(table.kind(FD)).toBe(BLOCKING);
    costs.charge(FD, 200, true, NOW);
    costs.charge(FD, 0.1, false, NOW);
    expect(table.kind(FD)).toBe(BLOCKING); // A message that costs nothing tells nothing.
    costs.charge(FD, 100, false, NOW);
    expect(table.kind(FD)).toBe(COMPUTING);
  });

  it('is light again when it has cost next to nothing for a while', () => {
    const { costs, table } = client();
    costs.charge(FD, 60, false, NOW);
    expect([costs.forgive(FD, NOW + 5_000), table.kind(FD)]).toEqual([false, COMPUTING]);
    expect([costs.forgive(FD, NOW + 15_000), table.kind(FD)]).toEqual([true, LIGHT]);
  });

  it('is brief while its messages cost less than 50 ms on average; of a first message nothing is known', () => {
    const { costs } = client();
    expect(costs.isBrief(FD)).toBe(false);
    costs.charge(FD, 200, false, NOW);
    expect(costs.isBrief(FD)).toBe(false);
    for (let message = 0; message < 6; message++) costs.charge(FD, 0.5, false, NOW);
    expect(costs.isBrief(FD)).toBe(true);
  });

  it('takes its account along: it is in the slot, and gone with the next client', () => {
    const { costs, table } = client();
    costs.charge(FD, 200, false, NOW);
    expect(new ClientCosts(new ConnectionTable(table.buffer)).of(FD, NOW)).toBe(200);
    const generation = table.word(FD);
    table.free(FD, generation, withoutKernel);
    table.admit(FD, 0, 2, new Uint8Array(16), 1, 0);
    expect([costs.of(FD, NOW), table.kind(FD)]).toEqual([0, NEWCOMER]);
  });
});

describe('an address', () => {
  it('of IPv4 has its own account, those of IPv6 have one for each /64', () => {
    const [one, near, far, v4] = ['2001:db8::1', '2001:db8::ffff', '2001:db8:0:1::1', '192.0.2.1'].map((text) => {
      return client(text).addresses.keyOf(FD);
    });
    expect([one === near, one === far, one === v4]).toEqual([true, false, false]);
  });

  it('is blamed when its clients have cost half a second, until they have cost less again', () => {
    const { addresses } = client();
    addresses.charge('a', 400, NOW);
    expect(addresses.isBlamed('a', NOW)).toBe(false);
    addresses.charge('a', 200, NOW);
    expect([addresses.isBlamed('a', NOW), addresses.isBlamed('b', NOW)]).toEqual([true, false]);
    expect(addresses.isBlamed('a', NOW + 10_000)).toBe(false);
  });

  it('is forgotten when there are too many: those that have cost most are kept', () => {
    const { addresses } = client();
    addresses.charge('dear', 1000, NOW);
    for (let other = 0; other < 20_000; other++) addresses.charge(`cheap ${other}`, 1, NOW);
    expect([addresses.of('dear', NOW), addresses.of('cheap 1', NOW)]).toEqual([1000, 0]);
  });
});

describe('ranks', () => {
  it('order costs of different times as they are at any one time', () => {
    const cost = fc.double({ min: 0.01, max: 1e6, noNaN: true });
    const time = fc.double({ min: 0, max: 60_000, noNaN: true });
    fc.assert(
      fc.property(cost, time, cost, time, (one, oneAt, other, otherAt) => {
        const later = Math.max(oneAt, otherAt);
        const decayed = (value: number, at: number): number => value * 0.5 ** ((later - at) / 5000);
        const difference = decayed(one, oneAt) - decayed(other, otherAt);
        fc.pre(Math.abs(difference) > 1e-3 * decayed(one, oneAt));
        expect(Math.sign(rankOf(one, oneAt) - rankOf(other, otherAt))).toBe(Math.sign(difference));
      }),
      { seed: 1 },
    );
  });
});
