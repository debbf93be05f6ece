/** Draws the cloth: lanes, clients, moves, and what is blocked. */
import { durationText } from '../admin/words.ts';
import type { Picture } from './canvas.ts';
import type { BlockedSpan, Loom, Run } from './loom.ts';

/** A move takes a few ms; it is drawn at least so wide, in pixels. */
const MOVE_WIDTH = 16;
const ROOM = 1.5;
const LANE_PADDING = 3;
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
}

export function drawLoom(cloth: Cloth): void {
  const { lanes, loom, picture } = cloth;
  const place = placesOf(cloth);
  const { colours, context, width } = picture;
  context.fillStyle = colours.lane;
  for (const [index] of lanes.entries()) context.fillRect(0, index * place.height + 1, width, place.height - 2);
  for (const block of loom.blocks) drawBlock(cloth, place, block);
  strokeRuns(cloth, place);
  strokeMoves(cloth, place);
  for (const block of loom.blocks) drawLabel(cloth, place, block);
  drawTimes(cloth);
}

interface Places {
  /** Of one lane. */
  readonly height: number;
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
  return {
    height,
    top,
    x: (time) => picture.width * (1 - (now - time) / windowMs),
    y({ slot, thread }) {
      const from = top(thread);
      return from === undefined
        ? undefined
        : from + LANE_PADDING + (((slot % slots) + 0.5) / slots) * (height - 2 * LANE_PADDING);
    },
  };
}

function strokeRuns({ loom, picture: { colours, context, width } }: Cloth, { x, y }: Places): void {
  context.strokeStyle = colours.stay;
  context.lineWidth = 1;
  context.globalAlpha = 0.75;
  context.beginPath();
  for (const run of loom.runs) {
    const level = y(run);
    if (level === undefined || x(run.to) < 0) continue;
    context.moveTo(Math.max(0, x(run.from)), level);
    const right = x(run.to) - (run.isLeft === true ? MOVE_WIDTH : 0);
    context.lineTo(Math.min(width, Math.max(right, x(run.from))), level);
  }
  context.stroke();
  context.globalAlpha = 1;
}

function strokeMoves({ loom, picture: { colours, context } }: Cloth, { x, y }: Places): void {
  context.strokeStyle = colours.move;
  context.beginPath();
  for (const { at, from, to } of loom.moves) {
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
  const [left, right] = edges(place, block);
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
function drawLabel({ picture: { colours, context, width } }: Cloth, place: Places, block: BlockedSpan): void {
  const top = place.top(block.thread);
  if (top === undefined || place.height < 14) return;
  const [left, right] = edges(place, block);
  const long = `blocked ${durationText(block.to - block.from)}${block.client === undefined ? '' : ` · #${block.client}`}`;
  const fits = (text: string): boolean => context.measureText(text).width + 12 < Math.max(right - left, 60);
  const text = fits(long) ? long : durationText(block.to - block.from);
  const [wide, high] = [context.measureText(text).width + 10, Math.min(18, place.height - 2)];
  const at = Math.min(width - wide, Math.max(0, left + 4));
  context.fillStyle = colours.panel;
  context.fillRect(at, top + (place.height - high) / 2, wide, high);
  context.fillStyle = colours.alarm;
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  context.fillText(text, at + 5, top + place.height / 2);
}

function edges({ x }: Places, { from, to }: BlockedSpan): readonly [number, number] {
  const left = Math.max(0, x(from));
  return [left, Math.max(left + 3, x(to))];
}

function drawTimes({ picture: { colours, context, height, width }, windowMs }: Cloth): void {
  context.fillStyle = colours.dim;
  context.textBaseline = 'bottom';
  const steps = width < 500 ? 2 : 6;
  for (let step = 0; step <= steps; step++) {
    const seconds = (windowMs / 1000) * (1 - step / steps);
    context.textAlign = step === 0 ? 'left' : step === steps ? 'right' : 'center';
    context.fillText(step === steps ? 'now' : `−${Math.round(seconds)} s`, (width * step) / steps, height);
  }
}
