import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { Listener } from '../../src/acceptor/listener.ts';
import { EAGAIN, ECONNRESET, EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM, errnoName } from '../../src/sys/errno.ts';
import { flakySys, type Step } from '../support/flaky-sys.ts';
import { dial, listenOn, owned, readable, sys } from '../support/loopback.ts';

const { errno } = constants;
const always = () => true;

/** Accepts from answers that are made up; gives what was admitted and what accept returned. */
function accepting(answers: Iterable<Step>, most?: number, hasRoom: (admitted: number) => boolean = always) {
  const flaky = flakySys(sys, { accept: answers });
  const admitted: number[] = [];
  const shortage = new Listener(flaky.sys, 5).accept(
    () => hasRoom(admitted.length),
    (fd) => admitted.push(fd),
    most,
  );
  return { admitted, shortage, calls: flaky.calls('accept').length };
}

describe('Listener', () => {
  it('hands over each client that waits with its address, and stops when none is left', async () => {
    const { fd, port } = listenOn();
    owned(fd);
    const clients = [await dial(port), await dial(port)];
    await readable(fd);
    const seen: [string, number][] = [];
    const shortage = new Listener(sys, fd).accept(always, (client, peer) => {
      owned(client);
      seen.push([sys.addressText(peer.bytes), peer.port]);
    });
    expect(shortage).toBeUndefined();
    expect(seen).toEqual(clients.map((client) => ['127.0.0.1', client.localPort]));
  });

  it('ends at EAGAIN', () => {
    expect(accepting([100, 101, EAGAIN, 102])).toEqual({ admitted: [100, 101], shortage: undefined, calls: 3 });
  });

  it.each([
    [EMFILE, 'no-files'],
    [ENFILE, 'no-files'],
    [ENOBUFS, 'no-memory'],
    [ENOMEM, 'no-memory'],
  ])('names what the system has no more of (%d: %s)', (code, cause) => {
    const shortage = { cause, errno: errnoName(code) };
    expect(accepting([100, code, 101])).toEqual({ admitted: [100], shortage, calls: 2 });
  });

  it.each([
    ['ECONNABORTED', -errno.ECONNABORTED],
    ['ECONNRESET', ECONNRESET],
    ['EINTR', EINTR],
    ['EPROTO', -errno.EPROTO],
    ['EHOSTUNREACH', -errno.EHOSTUNREACH],
  ])('goes on to the next client after %s', (_, result) => {
    expect(accepting([100, result, result, 101, EAGAIN]).admitted).toEqual([100, 101]);
  });

  it('leaves clients for its next turn after a batch, failed ones counted', () => {
    const endless = function* (): Generator<Step> {
      for (let fd = 1000; ; fd++) yield fd % 2 === 0 ? fd : -errno.ECONNABORTED;
    };
    expect(accepting(endless())).toMatchObject({ calls: 128, shortage: undefined });
    expect(accepting(endless(), 5)).toEqual({ admitted: [1000, 1002, 1004], shortage: undefined, calls: 5 });
  });

  it('leaves clients in the kernel when there is no room for them', () => {
    expect(accepting([1000, 1001, 1002], undefined, (admitted) => admitted < 2)).toEqual({
      admitted: [1000, 1001],
      shortage: undefined,
      calls: 2,
    });
  });

  it('accepts all that wait when it is told to, more than a batch', () => {
    const answers = [...Array.from({ length: 300 }, (_, index) => 1000 + index), EAGAIN];
    expect(accepting(answers, Infinity)).toMatchObject({ calls: 301, shortage: undefined });
  });

  it('ends when the socket itself is no good, however many it may accept', () => {
    const closed = function* (): Generator<Step> {
      for (let calls = 0; calls < 10_000; calls++) yield -errno.EBADF;
      throw new Error('it never ends');
    };
    expect(() => accepting(closed(), Infinity)).not.toThrow();
  });
});
