/** Makes sure that a call has all the stack that it needs, before it changes anything. */

/*
 * A service may call at any depth of its stack. Where the stack ends, V8 throws: also in the middle of a change of ours, which then
 * stays half done. So each call that a service can make asks for more stack than it needs, first of all.
 *
 * JavaScript cannot ask how much stack is left. But V8 enters a function only if its whole frame fits, and throws if not. A frame has
 * a word for each variable that is used, in code that never runs as well. Compiled code takes less, and checks for all of it: it may
 * have to go back to the interpreter (V8: CodeGenerator::GetStackCheckOffset). Such a call costs 10 ns, and 2 us until it is compiled.
 */

/**
 * How much there has to be, in bytes. V8 compiles a function that is called for the first time only if 40 KiB are left (V8:
 * kStackSpaceRequiredForCompilation), and forgets functions that are seldom called. Beside that, our calls take less than 8 KiB.
 */
const STACK_BYTES = 64 * 1024;
const WORDS = STACK_BYTES / 8;

const NAMES = 'abcdefghijklmnopqrstuvwxyz'.split('');

/** V8 puts no function of more than 460 bytes of bytecode into its caller, where it would not be checked. Each call has 3 or more. */
const BYTECODE = 'go();'.repeat(200);

/**
 * Throws a RangeError unless enough stack is left. To be called at the beginning of whatever may be called at any depth and changes
 * what others rely on.
 */
export function ensureStack(): void {
  check();
}

/** Made when it is called for the first time, which takes 3 ms: not every thread needs it. */
let check = (): void => {
  check = makeCheck();
  check();
};

function makeCheck(): () => void {
  const variables = `{let ${NAMES.join(',')};${NAMES.join(';')}}`;
  try {
    // oxlint-disable-next-line typescript/no-implied-eval, no-new-func -- 32 KB of names, all of them our own.
    return new Function(
      'go',
      `if(go){${BYTECODE}}return;${variables.repeat(Math.ceil(WORDS / NAMES.length))}`,
    ) as () => void;
  } catch (error) {
    if (!(error instanceof EvalError)) throw error;
    // With --disallow-code-generation-from-strings. That many arguments are put on the stack if it has room: 6 us a call.
    const words = new Array(WORDS).fill(0);
    return () => ignore.apply(undefined, words as []);
  }
}

const ignore = (): void => {};
