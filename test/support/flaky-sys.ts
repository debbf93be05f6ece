/** A Sys that fails on purpose: what each call answers is written down before, everything else goes to the real one. */
import type { Sys } from '../../src/sys/sys.ts';
import { storingBefore } from '../../src/sys/without-kernel.ts';

export type SysCall = {
  [name in keyof Sys]: Sys[name] extends (...args: never[]) => number ? name : never;
}[keyof Sys];

/**
 * One answer: a number is returned without asking the kernel (an errno, mostly), `pass` asks it, `{ most }` lets a
 * `recv` or `send` have so many bytes at most.
 */
export type Step = number | 'pass' | { readonly most: number };

export type Script = Partial<Record<SysCall, Iterable<Step>>>;

export interface FlakySys {
  readonly sys: Sys;
  /** The arguments of each call of `name` so far. */
  calls(name: keyof Sys): readonly (readonly unknown[])[];
}

type AnyCall = (...args: unknown[]) => unknown;

/** Wraps `real`; the answers of a call that has used up its script are the kernel's. */
export function flakySys(real: Sys, script: Script = {}): FlakySys {
  const log = new Map<PropertyKey, unknown[][]>();
  const steps = new Map<PropertyKey, Iterator<Step>>(
    Object.entries(script).map(([name, answers]) => [name, answers[Symbol.iterator]()]),
  );
  const sys: Sys = new Proxy(real, {
    get(target, name) {
      // Whoever is handed this by a promise asks for its `then`.
      if (!Reflect.has(target, name)) return undefined;
      // As the two that it is, so that `close` can be scripted and is written down.
      if (name === 'storeAndClose') return storingBefore((fd) => sys.close(fd));
      const call = (Reflect.get(target, name) as AnyCall).bind(target);
      return (...args: unknown[]): unknown => {
        log.set(name, [...(log.get(name) ?? []), args]);
        const step = steps.get(name)?.next();
        return step === undefined || step.done === true ? call(...args) : answer(step.value, call, args);
      };
    },
  });
  return { sys, calls: (name) => log.get(name) ?? [] };
}

function answer(step: Step, call: AnyCall, args: unknown[]): unknown {
  if (typeof step === 'number') return step;
  if (step === 'pass') return call(...args);
  const [fd, memory, offset, length] = args;
  return call(fd, memory, offset, Math.min(length as number, step.most));
}
