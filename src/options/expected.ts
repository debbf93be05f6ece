/** Used to say what a value should have been; the caller adds the option's name and where it came from. */
export class Expected extends Error {
  /** What the value must be, such as `a positive integer`. */
  readonly expected: string;
  /** Where in the option the value is, such as `.min`. */
  readonly path: string;
  /** The value at `path`, where that is not the whole option. */
  readonly value: unknown;

  constructor(expected: string, path = '', value?: unknown) {
    super(`must be ${expected}`);
    this.expected = expected;
    this.path = path;
    this.value = value;
  }
}
