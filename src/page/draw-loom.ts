/** Draws the cloth: lanes, clients, moves, and what is blocked. */
import { durationText } from '../admin/words.ts';
import type { BlockedSpan, Loom, Move, Run } from '../admin/view/loom.ts';
import type { Picture } from './canvas.ts';

/** A move takes a few ms; it is drawn at least so wide, in pixels. */
const MOVE_WIDTH = 16;
const ROOM = 1.5;
const LANE_PADDING = 3;
/** Lines that would be nearer to each other than this, in pixels, lie on each other: otherwise they were one area. */
const NEAREST = 2;
const HATCH = 7;
/** The room below the lanes for the times. */
export const AXIS_HEIGHT = 22;

export interface Cloth {
  readonly picture: Picture;
  readonly loom: Loom;
  readonly lanes: readonly number[];
  /** The time at the right edge, and how much there is of it, in ms. */
  readonly now: number;
  readonly windowMs: number;
  /** What the right edge is called. */
  readonly end: string;
  /** The lane whose clients are picked out. */
  readonly chosen: number | undefined;
}

/** How strongly lines are drawn: as they are, beside those that are picked out, and those. */
const [PLAIN, FAINT, STRONG] = [0.75, 0.12, 1];

export function drawLoom(cloth: Cloth): void {
  const { chosen, lanes, loom, now, picture, windowMs } = cloth;
  const place = placesOf(cloth);
  const { colours, context, width } = picture;
  context.fillStyle = colours.lane;
  for (const [index] of lanes.entries()) context.fillRect(0, index * place.height + 1, width, place.height - 2);
  const { blocks, moves, runs } = loom.within(now - windowMs, now);
  for (const block of blocks) drawBlock(cloth, place, block);
  const groups = chosen === undefined ? [{ runs, moves, alpha: PLAIN }] : pickedOut(runs, moves, chosen);
  for (const group of groups) {
    context.globalAlpha = group.alpha;
    fillRuns(cloth, place, group.runs);
    context.globalAlpha = group.alpha === FAINT ? FAINT : STRONG;
    strokeMoves(cloth, place, group.moves);
  }
  context.globalAlpha = 1;
  for (const block of blocks) drawLabel(cloth, place, block);
  drawTimes(cloth);
}

/** The clients that are, or were, on a thread, and the others. */
function pickedOut(runs: readonly Run[], moves: readonly Move[], thread: number): Stroke[] {
  const picked = new Set(runs.filter((run) => run.thread === thread).map(({ client }) => client));
  const isPicked = ({ client }: Run): boolean => picked.has(client);
  return [
    { runs: runs.filter((run) => !isPicked(run)), moves: moves.filter(({ to }) => !isPicked(to)), alpha: FAINT },
    { runs: runs.filter(isPicked), moves: moves.filter(({ to }) => isPicked(to)), alpha: STRONG },
  ];
}

interface Stroke {
  readonly runs: readonly Run[];
  readonly moves: readonly Move[];
  readonly alpha: number;
}

interface Places {
  /** Of one lane. */
  readonly height: number;
  /** From one line to the next. */
  readonly step: number;
  readonly x: (time: number) => number;
  readonly y: (run: Run) => number | undefined;
  readonly top: (thread: number) => number | undefined;
}

function placesOf({ lanes, loom, now, picture, windowMs }: Cloth): Places {
  const height = (picture.height - AXIS_HEIGHT) / Math.max(1, lanes.length);
  // A lane has room for half as many again as its share; the lines of more clients lie on each other.
  const slots = Math.max(4, Math.ceil((ROOM * loom.clients) / Math.max(1, lanes.length)));
  const indexes = new Map(lanes.map((thread, index) => [thread, index]));
  const top = (thread: number): number | undefined => {
    const index = indexes.get(thread);
    return index === undefined ? undefined : index * height;
  };
  const step = (height - 2 * LANE_PADDING) / slots;
  return {
    height,
    step,
    top,
    x: (time) => picture.width * (1 - (now - time) / windowMs),
    y({ slot, thread }) {
      const from = top(thread);
      return from === undefined ? undefined : from + LANE_PADDING + ((slot % slots) + 0.5) * step;
    },
  };
}

/** Rectangles of whole pixels: to smooth the edges of a path costs more. */
function fillRuns({ now, picture: { colours, context } }: Cloth, { step, x, y }: Places, runs: readonly Run[]): void {
  context.fillStyle = colours.stay;
  const grid = step < NEAREST ? NEAREST : 1;
  for (const run of runs) {
    const level = y(run);
    if (level === undefined) continue;
    const left = Math.max(0, x(run.from));
    const right = x(Math.min(run.to, now)) - (run.isLeft && run.to <= now ? MOVE_WIDTH : 0);
    if (right > left) context.fillRect(left, Math.floor(level / grid) * grid, right - left, 1);
  }
}

function strokeMoves({ picture: { colours, context } }: Cloth, { x, y }: Places, moves: readonly Move[]): void {
  context.strokeStyle = colours.move;
  context.beginPath();
  for (const { at, from, to } of moves) {
    const [start, end] = [y(from), y(to)];
    if (start === undefined || end === undefined) continue;
    const right = x(at);
    const left = right - MOVE_WIDTH;
    const middle = (left + right) / 2;
    context.moveTo(left, start);
    context.bezierCurveTo(middle, start, middle, end, right, end);
  }
  context.stroke();
}

function drawBlock(cloth: Cloth, place: Places, block: BlockedSpan): void {
  const { colours, context } = cloth.picture;
  const top = place.top(block.thread);
  if (top === undefined) return;
  const [left, right] = edges(cloth, place, block);
  context.save();
  context.beginPath();
  context.rect(left, top + 1, right - left, place.height - 2);
  context.fillStyle = colours['alarm-back'];
  context.fill();
  context.clip();
  context.strokeStyle = colours.alarm;
  context.globalAlpha = 0.45;
  context.beginPath();
  for (let at = left - place.height; at < right; at += HATCH) {
    context.moveTo(at, top + place.height);
    context.lineTo(at + place.height, top);
  }
  context.stroke();
  context.restore();
  context.strokeStyle = colours.alarm;
  context.strokeRect(left + 0.5, top + 1.5, right - left - 1, place.height - 3);
}

/** Not by colour alone: words, too. */
function drawLabel(cloth: Cloth, place: Places, block: BlockedSpan): void {
  const { now, picture } = cloth;
  const { colours, context, width } = picture;
  const top = place.top(block.thread);
  if (top === undefined || place.height < 14) return;
  const [left, right] = edges(cloth, place, block);
  const lasted = durationText(Math.min(block.to, now) - block.from);
  const long = `blocked ${lasted}${block.client === undefined ? '' : ` · #${block.client}`}`;
  const fits = (text: string): boolean => context.measureText(text).width + 12 < Math.max(right - left, 60);
  const text = fits(long) ? long : lasted;
  const [wide, high] = [context.measureText(text).width + 10, Math.min(18, place.height - 2)];
  const at = Math.min(width - wide, Math.max(0, left + 4));
  context.fillStyle = colours.panel;
  context.fillRect(at, top + (place.height - high) / 2, wide, high);
  context.fillStyle = colours.alarm;
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  context.fillText(text, at + 5, top + place.height / 2);
}

function edges({ now }: Cloth, { x }: Places, { from, to }: BlockedSpan): readonly [number, number] {
  const left = Math.max(0, x(from));
  return [left, Math.max(left + 3, x(Math.min(to, now)))];
}

function drawTimes({ end, picture: { colours, context, height, width }, windowMs }: Cloth): void {
  context.fillStyle = colours.dim;
  context.textBaseline = 'bottom';
  const steps = width < 500 ? 2 : 6;
  for (let step = 0; step <= steps; step++) {
    const seconds = (windowMs / 1000) * (1 - step / steps);
    context.textAlign = step === 0 ? 'left' : step === steps ? 'right' : 'center';
    context.fillText(step === steps ? end : `−${Math.round(seconds)} s`, (width * step) / steps, height);
  }
}
