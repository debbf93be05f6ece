import { describe, expect, it } from 'vitest';
import type { Controlled } from '../../../src/admin/control/controlled.ts';
import { kick } from '../../../src/admin/control/kick.ts';

const CLIENT = { id: 7, address: '127.0.0.1', port: 4711 };

/** A server with one client, which is said to block its thread at the first `looks`. */
function serverWith(looks: number) {
  let [left, isThere] = [looks, true];
  const asked: number[] = [];
  const found = { fd: 20, client: CLIENT };
  const controlled = {
    clients: {
      async *all() {
        yield [found];
      },
      at: () => (isThere ? CLIENT : undefined),
    },
    blocked: () => (left-- > 0 ? [{ thread: 1, ms: 6, client: CLIENT, moved: 0 }] : []),
    kick: (clients: readonly (typeof found)[]) => {
      for (const { client } of clients) {
        asked.push(client.id);
        isThere = false;
      }
    },
  } as unknown as Controlled;
  return { asked, controlled };
}

async function results(controlled: Controlled): Promise<string[]> {
  const all: string[] = [];
  for await (const { result } of kick(controlled, { filter: () => true, dryRun: false })) all.push(result);
  return all;
}

describe('a kick', () => {
  it('closes a client whose thread was only late, and says so once', async () => {
    for (const looks of [1, 2, 3]) {
      const { asked, controlled } = serverWith(looks);
      expect(await results(controlled)).toEqual(['kicked']);
      expect(asked).toEqual([CLIENT.id]);
    }
  });

  it('leaves a client alone that goes on blocking its thread', async () => {
    const { asked, controlled } = serverWith(Infinity);
    expect(await results(controlled)).toEqual(['blocking']);
    expect(asked).toEqual([]);
  });
});
