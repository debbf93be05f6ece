/**
 * Answers each line in upper case.
 *
 *     npx heddle serve examples/upper-case.ts --port 12345
 *     echo 'hello, née' | nc -N 127.0.0.1 12345
 */
import { defineService } from 'heddle';

export default defineService({
  framing: 'line',
  encoding: 'utf8',
  message: (line: string) => line.toUpperCase(),
});
