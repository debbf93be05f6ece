/** Draws random numbers that are the same in each run. */
export { type Random, seededRandom } from '../../src/load/random.ts';
