import type { ModelDetails } from '../api/types';

/** The values that are shown as black and as full brightness: those of the model's pixels, the bounds of its own logit layer, else 0 and 1, as for the service's PNG. */
export function rangeOfPixels(model: ModelDetails): [number, number] {
  const pixels = model.spec?.pixels;
  if (pixels) return [pixels.low + pixels.step / 2, pixels.high - pixels.step / 2];
  const first = model.spec?.bijections.find(layer => layer.kind !== 'dequantize');
  return first?.kind === 'logit' && typeof first.lower === 'number' && typeof first.upper === 'number' ? [first.lower, first.upper] : [0, 1];
}

/** A row [channels, height, width] as a picture. */
export function pictureOf(row: Float32Array, shape: number[], range: [number, number]): HTMLCanvasElement {
  const picture = document.createElement('canvas');
  [picture.height, picture.width] = shape.slice(1);
  picture.getContext('2d')!.putImageData(pixelsOf(row, shape, range), 0, 0);
  return picture;
}

/** The same as pixels. */
export function pixelsOf(row: Float32Array, [channels, height, width]: number[], [low, high]: [number, number]): ImageData {
  const image = new ImageData(width, height);
  const size = width * height;
  for (let i = 0; i < size; i++) {
    for (let channel = 0; channel < 3; channel++) {
      const value = row[i + (channels === 3 ? channel * size : 0)];
      image.data[i * 4 + channel] = Number.isFinite(value) ? 255 * Math.max(0, Math.min(1, (value - low) / (high - low))) : channel === 1 ? 64 : 200;
    }
    image.data[i * 4 + 3] = 255;
  }
  return image;
}

/** The small picture that a row is, down-sampled: the means of its blocks. */
export function meansOf(row: Float32Array, [channels, height, width]: number[], side: number): Float32Array {
  const across = width / side, means = new Float32Array(channels * (height / side) * across);
  for (let i = 0; i < row.length; i++) means[Math.floor(i / width / side) * across + Math.floor(i % width / side)] += row[i] / (side * side);
  return means;
}

/** A file as a row of the model's shape: scaled to its size, its shorter side filling it. */
export async function rowOfFile(file: Blob, [channels, height, width]: number[], [low, high]: [number, number]): Promise<Float32Array> {
  let source: ImageBitmap;
  try {
    source = await createImageBitmap(file);
  } catch {
    throw new Error('This file is no picture that the browser can read: take a PNG, a JPEG or a WebP.');
  }
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.imageSmoothingQuality = 'high';
  const scale = Math.max(width / source.width, height / source.height);
  context.fillRect(0, 0, width, height);
  context.drawImage(source, (width - source.width * scale) / 2, (height - source.height * scale) / 2, source.width * scale, source.height * scale);
  const { data } = context.getImageData(0, 0, width, height);
  const row = new Float32Array(channels * width * height);
  for (let i = 0; i < width * height; i++) {
    const [red, green, blue] = [data[i * 4], data[i * 4 + 1], data[i * 4 + 2]];
    const values = channels === 3 ? [red, green, blue] : [0.2126 * red + 0.7152 * green + 0.0722 * blue];
    values.forEach((value, channel) => { row[channel * width * height + i] = low + value / 255 * (high - low); });
  }
  return row;
}
