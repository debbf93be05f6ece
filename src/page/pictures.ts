/** Draws the two pictures of the page, each when it shows something else than before. */
import type { Heat } from '../admin/view/frames.ts';
import { pictureOn, type Style, styleNow, watchSizes } from './canvas.ts';
import { byId } from './dom.ts';
import { drawHeat } from './draw-heat.ts';
import { type Cloth, drawLoom } from './draw-loom.ts';

const SECOND_MS = 1_000;
/** A second that is over is told this much later at most; after that its column stays empty. */
const LATE_MS = 500;

export class Pictures {
  readonly #loom = byId('loom');
  readonly #heat = byId('heat');
  /** `undefined`: it may be another one now. */
  #style: Style | undefined;
  /** The time at the right edge of the waits that are drawn; `undefined`: they are to be drawn anew. */
  #heatsUntil: number | undefined;

  /** `changed` is called when both have to be drawn again, for their size or the scheme of the system. */
  constructor(changed: () => void) {
    const renewed = (): void => {
      this.renew();
      changed();
    };
    watchSizes([this.#loom, this.#heat], renewed);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', renewed);
  }

  /** Colours, and what is drawn of waits, may have changed. */
  renew(): void {
    this.#style = this.#heatsUntil = undefined;
  }

  draw(cloth: Omit<Cloth, 'picture'>, heats: readonly Heat[]): void {
    this.#style ??= styleNow();
    const loom = pictureOn(this.#loom, this.#style);
    if (loom !== undefined) drawLoom({ ...cloth, picture: loom });
    const until = heatEdge(heats, cloth.now);
    if (until === this.#heatsUntil) return;
    this.#heatsUntil = until;
    const heat = pictureOn(this.#heat, this.#style);
    if (heat !== undefined) drawHeat(heat, heats, until);
  }
}

/** Where waits are drawn up to: they change once a second. In the past, a second may be over only in part. */
function heatEdge(heats: readonly Heat[], now: number): number {
  const last = heats.at(-1)?.time ?? now;
  if (now < last) return now;
  return last + Math.max(0, Math.floor((now - last - LATE_MS) / SECOND_MS)) * SECOND_MS;
}
