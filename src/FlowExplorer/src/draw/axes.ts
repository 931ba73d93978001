import { ticks } from 'd3-array';
import { colour } from '../state/theme';
import { short } from '../math/text';
import type { Surface } from './canvas';

/** The part of the plane that is shown, in the data's units. */
export interface Box { x0: number; x1: number; y0: number; y1: number }

export interface Frame { left: number; top: number; width: number; height: number }

export interface Scale { frame: Frame; box: Box; x: (value: number) => number; y: (value: number) => number }

export const Font = '12px system-ui, sans-serif';

/** Room for the axes around a picture. */
export function frameOf(width: number, height: number, margin = { left: 46, right: 12, top: 10, bottom: 38 }): Frame {
  return { left: margin.left, top: margin.top, width: Math.max(1, width - margin.left - margin.right), height: Math.max(1, height - margin.top - margin.bottom) };
}

export function scaleOf(box: Box, frame: Frame): Scale {
  return {
    box, frame,
    x: value => frame.left + (value - box.x0) / (box.x1 - box.x0) * frame.width,
    y: value => frame.top + frame.height - (value - box.y0) / (box.y1 - box.y0) * frame.height,
  };
}

/** Where a place on the screen lies in the data's units; null beside the picture. */
export function dataAt(box: Box, frame: Frame, x: number, y: number): [number, number] | null {
  const u = (x - frame.left) / frame.width, v = (frame.top + frame.height - y) / frame.height;
  return u < 0 || u > 1 || v < 0 || v > 1 ? null : [box.x0 + u * (box.x1 - box.x0), box.y0 + v * (box.y1 - box.y0)];
}

export function drawAxes({ context }: Surface, scale: Scale, names: [string, string]) {
  const { frame, box } = scale;
  context.font = Font;
  context.fillStyle = colour('muted');
  context.strokeStyle = colour('line');
  context.lineWidth = 1;
  context.strokeRect(frame.left - 0.5, frame.top - 0.5, frame.width + 1, frame.height + 1);
  context.textAlign = 'center';
  context.textBaseline = 'top';
  for (const tick of ticks(box.x0, box.x1, Math.max(2, frame.width / 80))) context.fillText(short(tick), scale.x(tick), frame.top + frame.height + 5);
  context.fillText(clipped(context, names[0], frame.width), frame.left + frame.width / 2, frame.top + frame.height + 21);
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  for (const tick of ticks(box.y0, box.y1, Math.max(2, frame.height / 60))) context.fillText(short(tick), frame.left - 6, scale.y(tick));
  context.save();
  context.translate(9, frame.top + frame.height / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = 'center';
  context.fillText(clipped(context, names[1], frame.height), 0, 0);
  context.restore();
}

export function clipped(context: CanvasRenderingContext2D, text: string, width: number) {
  if (context.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 1 && context.measureText(`${text.slice(0, end)}…`).width > width) end--;
  return `${text.slice(0, end)}…`;
}

/** Draws within a frame alone. */
export function within({ context }: Surface, frame: Frame, draw: () => void) {
  context.save();
  context.beginPath();
  context.rect(frame.left, frame.top, frame.width, frame.height);
  context.clip();
  draw();
  context.restore();
}

const stamps = new Map<string, HTMLCanvasElement>();

/** Many dots of one colour: each is a stamp, which is much faster than an arc of a path. */
export function dots(context: CanvasRenderingContext2D, fill: string, radius: number, count: number, x: (i: number) => number, y: (i: number) => number) {
  const sharp = 2 * (window.devicePixelRatio || 1), side = Math.ceil(radius + 1) * 2, key = `${fill} ${radius} ${sharp}`;
  let stamp = stamps.get(key);
  if (!stamp) {
    stamp = document.createElement('canvas');
    stamp.width = stamp.height = side * sharp;
    const ink = stamp.getContext('2d')!;
    ink.scale(sharp, sharp);
    ink.fillStyle = fill;
    ink.beginPath();
    dot(ink, side / 2, side / 2, radius);
    ink.fill();
    stamps.set(key, stamp);
  }
  for (let i = 0; i < count; i++) context.drawImage(stamp, x(i) - side / 2, y(i) - side / 2, side, side);
}

export function dot(context: CanvasRenderingContext2D, x: number, y: number, radius: number) {
  context.moveTo(x + radius, y);
  context.arc(x, y, radius, 0, 2 * Math.PI);
}
