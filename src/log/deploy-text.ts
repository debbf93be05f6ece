/** Says in a line what became of a deploy. The page has this file, too: it imports nothing but types. */
import type { Deploy } from './event.ts';

/** How many clients the account of a deploy does not know the fate of; below 0: more than there were. 0 where nothing is known. */
export function unaccounted({ clients, dropped = 0, moved = 0, stayed = 0 }: Deploy): number {
  return clients === undefined ? 0 : clients - moved - stayed - dropped;
}

/** Such as `reload, 4 threads, 0.8 s: 1,024 = 1,011 moved + 13 stayed until they left + 0 dropped`. */
export function deployText(deploy: Deploy): string {
  const { clients, detail, kind, ms, result, threads } = deploy;
  if (result === 'failure') return `${kind} failed: ${detail ?? 'for a reason that is not known'}`;
  const about = `${kind}, ${threads === 1 ? '1 thread' : `${threads} threads`}, ${(ms / 1000).toFixed(1)} s`;
  if (clients === undefined)
    return `${about}: ${number(deploy.moved ?? 0)} moved; ${detail ?? 'nothing more is known'}`;
  const missing = unaccounted(deploy);
  return `${about}: ${number(clients)} ${missing === 0 ? '=' : '≠'} ${partsText(deploy)}${missing === 0 ? '' : `: ${missingText(missing)}`}`;
}

function partsText({ dropped = 0, moved = 0, stayed = 0 }: Deploy): string {
  return `${number(moved)} moved + ${number(stayed)} stayed until they left + ${number(dropped)} dropped`;
}

function missingText(missing: number): string {
  return missing > 0 ? `what became of ${number(missing)} is not known` : `${number(-missing)} more than there were`;
}

function number(count: number): string {
  return count.toLocaleString('en-US');
}
