import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BUSY,
  CLOSING,
  controlWord,
  EPOCHS,
  epochOf,
  FREE,
  PINNED,
  MAX_THREADS,
  MOVING,
  IDLE,
  stateOf,
  threadOf,
  withState,
} from '../../src/sharing/control-word.ts';

const state = fc.constantFrom(FREE, IDLE, BUSY, PINNED, MOVING, CLOSING);
const thread = fc.integer({ min: 0, max: MAX_THREADS - 1 });
const epoch = fc.integer({ min: 0, max: EPOCHS - 1 });

describe('the control word', () => {
  it('gives back each field that was packed, through Atomics too', () => {
    const words = new Int32Array(new SharedArrayBuffer(4));
    fc.assert(
      fc.property(state, thread, epoch, (itsState, itsThread, itsEpoch) => {
        const word = controlWord(itsState, itsThread, itsEpoch);
        Atomics.store(words, 0, word);
        expect(Atomics.load(words, 0)).toBe(word);
        expect([stateOf(word), threadOf(word), epochOf(word)]).toEqual([itsState, itsThread, itsEpoch]);
      }),
    );
  });

  it('holds the first and the last value of each field', () => {
    for (const itsThread of [0, MAX_THREADS - 1]) {
      for (const itsEpoch of [0, EPOCHS / 2 - 1, EPOCHS / 2, EPOCHS - 1]) {
        const word = controlWord(CLOSING, itsThread, itsEpoch);
        expect([stateOf(word), threadOf(word), epochOf(word)]).toEqual([CLOSING, itsThread, itsEpoch]);
      }
    }
  });

  it('is a different word for each different stay', () => {
    fc.assert(
      fc.property(fc.tuple(state, thread, epoch), fc.tuple(state, thread, epoch), (one, other) => {
        const same = one.every((field, index) => field === other[index]);
        expect(controlWord(...one) === controlWord(...other)).toBe(same);
      }),
    );
  });

  it('changes nothing but the state in withState', () => {
    fc.assert(
      fc.property(state, state, thread, epoch, (from, to, itsThread, itsEpoch) => {
        expect(withState(controlWord(from, itsThread, itsEpoch), to)).toBe(controlWord(to, itsThread, itsEpoch));
      }),
    );
  });

  it('is zero where there is no connection yet', () => {
    expect(controlWord(FREE, 0, 0)).toBe(0);
  });

  it('has room for a million epochs', () => {
    expect(EPOCHS).toBe(2 ** 20);
    expect(MAX_THREADS).toBe(512);
  });
});
