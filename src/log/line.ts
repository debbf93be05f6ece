/** Says where a line of the log goes. */
export interface Line {
  readonly to: 'stdout' | 'stderr';
  /** The text, without the line ending; lines after the first are indented, so that none can pass for another event. */
  readonly text: string;
}
