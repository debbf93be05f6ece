import { expect, it } from 'vitest';
import { NativeBuffer } from '../../src/sys/native-buffer.ts';

const memory = (): NativeBuffer => new NativeBuffer(Buffer.from('0123456789'.repeat(1000)), () => 0n);

it('gives the same view again for the same short range', () => {
  const buffer = memory();
  const view = buffer.view(10, 14);
  expect(String(view)).toBe('0123');
  expect(buffer.view(10, 14)).toBe(view);
  expect(String(buffer.view(11, 14))).toBe('123');
});

it('keeps no view of a long range', () => {
  const buffer = memory();
  const view = buffer.view(0, 5000);
  expect(view).toHaveLength(5000);
  expect(buffer.view(0, 5000)).toEqual(view);
  expect(buffer.view(0, 5000)).not.toBe(view);
});
