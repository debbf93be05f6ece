/** Reads the code blocks of a page of the documentation, with what the page says of how they are tested. */

/** What a comment before a block says: `<!-- skip: reason -->`. */
export interface Mark {
  readonly word: 'skip' | 'check' | 'stays';
  readonly text: string;
}

export interface Block {
  /** The line of the page where the block begins, from 1. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
  readonly mark: Mark | undefined;
  /** The number of the section that the block is in: each heading begins one. */
  readonly section: number;
}

export interface Command {
  readonly line: string;
  /** The lines that the page shows as what the command prints; `undefined` where it shows none. */
  readonly output: readonly string[] | undefined;
}

const FENCE = /^```(\S*)$/;
const MARK = /^<!-- (skip|check|stays): (.+) -->$/;

/** Gives the blocks of a page in their order. */
export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  const lines = page.split('\n');
  let section = 0;
  let mark: Mark | undefined;
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    const fence = FENCE.exec(line);
    if (fence !== null) {
      const end = lines.indexOf('```', index + 1);
      const text = `${lines.slice(index + 1, end).join('\n')}\n`;
      blocks.push({ line: index + 1, language: fence[1] ?? '', text, mark, section });
      index = end;
      mark = undefined;
    } else if (line.startsWith('#')) {
      section++;
    } else if (line.trim() !== '') {
      const [, word, text = ''] = MARK.exec(line) ?? [];
      mark = word === undefined ? undefined : { word: word as Mark['word'], text };
    }
  }
  return blocks;
}

/** Gives the lines of a page that are code only since they are indented: nothing says what such code is. */
export function indentedCode(page: string): string[] {
  const outside = page.replaceAll(/^```[^]*?^```$/gm, '```');
  return [...outside.matchAll(/\n\n( {4}.*)/g)].map(([, line]) => line ?? '');
}

/** Gives the commands of a block of language `sh` (a command a line) or `console` (`$ ` before commands, output below them). */
export function commandsOf(block: Block): Command[] {
  const text = block.text.replaceAll(/\\\n\s*/g, '');
  if (block.language === 'sh') return commandLines(text).map((line) => ({ line, output: undefined }));
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [line = '', ...output] = part.trimEnd().split('\n');
      return { line: uncommented(line), output };
    });
}

function commandLines(text: string): string[] {
  return text
    .split('\n')
    .map(uncommented)
    .filter((line) => line !== '');
}

function uncommented(line: string): string {
  return line.replace(/(^|\s)# .*$/, '').trim();
}

/** Gives the name of the file that a block of code is written to. */
export function nameOf(block: Block): string {
  return fileName(block) ?? `line-${block.line}.${block.language}`;
}

/** Tells whether a block has commands for a shell. */
export function isShell({ language }: Block): boolean {
  return language === 'sh' || language === 'console';
}

/** Tells whether a block is a program, a service, or a module that one of them uses. */
export function isCode({ language }: Block): boolean {
  return /^m?[jt]s$/.test(language);
}

/** Gives the name that a block of code begins with (`// name.ts`, perhaps with more behind it). */
function fileName(block: Block): string | undefined {
  return /^\/\/ ([\w./-]+\.m?[jt]s)\b/.exec(block.text)?.[1];
}
