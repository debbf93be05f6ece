import { expect, it } from 'vitest';
import { runBench } from '../../../src/cli/bench/bench.ts';
import { benchInvocation, keepingTerminal } from '../../support/bench-invocation.ts';

it.each([
  [['--rate', '0'], /^--rate must be a positive integer/],
  [['--ramp', '0..5'], /^--ramp must be two rates from 1 to 10000000, such as 1000\.\.20000, got "0\.\.5"/],
  [['--size', '64..20'], /^--size must be a size from 16B to 64MiB/],
  [['--think', '5'], /^--think must have a unit/],
  [['--connect-rate', '0'], /^--connect-rate must be a positive integer/],
  [['--reset', '101'], /^--reset must be an integer from 0 to 100/],
  [['--ramp', '1..5', '--rate', '4'], /^--rate does not go with --ramp/],
  [['--think', '1s', '--rate', '4'], /^--think does not go with --rate/],
  [[':1', ':2', '--hgrm', 'file'], /^--hgrm takes one target/],
  [[':1', ':2', '--trace', 'file'], /^--trace takes one target/],
  [['--trace', '/no/folder/file'], /^--trace cannot write \/no\/folder\/file: ENOENT/],
  [['--hgrm', '/no/folder/file'], /^--hgrm cannot write \/no\/folder\/file: ENOENT/],
  [['--require', 'p99'], /^--require must be a condition/],
  [['--beside', 'burn'], /^--beside must be a number of clients and what they send/],
  [['--expect', 'what'], /^--expect must be auto/],
  [['--expect', '/(/'], /^--expect is no pattern/],
  [['--expect', 'check.js'], /^--expect names a module, and there is no file check\.js/],
  [['--message', 'a {random}'], /^A message has the field \{random\}, which needs a number of letters/],
  [['--message', 'a {random:0}'], /^A message has the field \{random:0\}/],
  [['--framing', 'end'], /^--framing end has one message for each connection/],
  [['--message', 'a', '--message-file', 'b'], /^--message and --message-file both say/],
  [['--find', 'p99<5ms', '--require', 'lost=0'], /^--require does not go with --find/],
  [['--find', 'p99<5ms', '--ramp', '1..2'], /^--ramp does not go with --find/],
  [[':1', ':2', '--find', 'p99<5ms'], /^--find takes one target/],
  [[':1', '--compare', 'first'], /^--compare first needs two targets/],
  [['192.0.2.1:80'], /^192\.0\.2\.1:80 is not on this machine/],
])('heddle bench refuses %j before it connects', async (args, message) => {
  const { terminal, text } = keepingTerminal();
  const code = 'HEDDLE_INVALID_OPTION';
  const error = await runBench(benchInvocation(args), terminal).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  expect(text()).toBe('');
});
