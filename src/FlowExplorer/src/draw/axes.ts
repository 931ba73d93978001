import { ticks } from 'd3-array';
import { colour } from '../state/theme';
import { short } from '../math/text';
import type { Surface } from './canvas';
import { rgbOf } from './colour';

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

interface Sheet { canvas: HTMLCanvasElement; ink: CanvasRenderingContext2D; image: ImageData; pixels: Uint32Array }

const sheets = new Map<string, Sheet>();

const MostSheets = 8;

/** An empty picture of a size; the same one again and again, for a new one costs more than what is drawn upon it. */
function sheetOf(width: number, height: number): Sheet {
  const key = `${width} ${height}`;
  let sheet = sheets.get(key);
  if (!sheet) {
    if (sheets.size >= MostSheets) sheets.clear();
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [width, height];
    const ink = canvas.getContext('2d', { willReadFrequently: true })!, image = ink.createImageData(width, height);
    sheets.set(key, sheet = { canvas, ink, image, pixels: new Uint32Array(image.data.buffer) });
  }
  sheet.pixels.fill(0);
  return sheet;
}

/** Many dots of one colour, laid pixel by pixel one upon another and drawn at once: a call for each of them takes twenty times as long. */
export function dots(context: CanvasRenderingContext2D, { left, top, width, height }: Frame, fill: string, radius: number, alpha: number, count: number, x: (i: number) => number, y: (i: number) => number) {
  const scale = window.devicePixelRatio || 1, across = Math.ceil(width * scale), down = Math.ceil(height * scale);
  if (across < 1 || down < 1) return;
  const { canvas, ink, image, pixels } = sheetOf(across, down);
  const [red, green, blue] = rgbOf(fill), tint = (blue << 16) | (green << 8) | red, reach = radius * scale;
  for (let i = 0; i < count; i++) {
    const u = (x(i) - left) * scale, v = (y(i) - top) * scale;
    const first = Math.max(0, Math.floor(u - reach - 0.5)), last = Math.min(across - 1, Math.ceil(u + reach - 0.5));
    for (let row = Math.max(0, Math.floor(v - reach - 0.5)), end = Math.min(down - 1, Math.ceil(v + reach - 0.5)); row <= end; row++)
      for (let place = first; place <= last; place++) {
        const within = reach + 0.5 - Math.sqrt((place + 0.5 - u) ** 2 + (row + 0.5 - v) ** 2); // of a pixel at the edge a part
        if (within <= 0) continue;
        const at = row * across + place, covered = pixels[at] >>> 24;
        pixels[at] = (((covered + (255 - covered) * alpha * Math.min(1, within) + 0.5) << 24) | tint) >>> 0;
      }
  }
  ink.putImageData(image, 0, 0);
  context.drawImage(canvas, left, top, across / scale, down / scale);
}

export function dot(context: CanvasRenderingContext2D, x: number, y: number, radius: number) {
  context.moveTo(x + radius, y);
  context.arc(x, y, radius, 0, 2 * Math.PI);
}
