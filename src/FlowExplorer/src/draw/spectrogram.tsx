import { useMemo } from 'preact/hooks';
import rfft from 'fourier-transform';
import type { SoundSpec } from '../api/types';
import type { Surface } from './canvas';
import { Canvas } from './canvas';
import { viridis, viridisAt } from './colour';

// Decibels below the loudest that are still told apart.
const Range = 70;

/** A sound over time, and at each time its frequencies: the lowest below, the loudest bright. */
export function Spectrogram({ samples, sampling, label, small }: { samples: Float32Array | null; sampling: SoundSpec; label: string; small?: boolean }) {
  const picture = useMemo(() => samples && pictureOf(samples, sampling), [samples]);
  const draw = ({ context, width, height }: Surface) => {
    context.fillStyle = viridisAt(0);
    context.fillRect(0, 0, width, height);
    if (picture) context.drawImage(picture, 0, 0, width, height);
  };
  return <Canvas class={small ? 'thumbnail' : 'spectrogram'} label={label} draw={draw} state={[picture]} />;
}

function pictureOf(samples: Float32Array, { fft_size: size, hop }: SoundSpec): HTMLCanvasElement | null {
  const frames = Math.floor((samples.length - size) / hop) + 1, bins = size / 2;
  if (frames < 1) return null;
  const window = Float64Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos(2 * Math.PI * i / size));
  const levels = new Float32Array(frames * bins);
  const frame = new Float64Array(size);
  for (let t = 0; t < frames; t++) {
    for (let i = 0; i < size; i++) frame[i] = samples[t * hop + i] * window[i];
    const magnitudes = rfft(frame);
    for (let k = 0; k < bins; k++) levels[t * bins + k] = 20 * Math.log10(Math.max(magnitudes[k], 1e-9));
  }
  const loudest = levels.reduce((most, level) => Math.max(most, level), -Infinity);
  const picture = document.createElement('canvas');
  picture.width = frames;
  picture.height = bins;
  const context = picture.getContext('2d')!, image = context.createImageData(frames, bins);
  for (let t = 0; t < frames; t++)
    for (let k = 0; k < bins; k++) {
      const share = Math.max(0, 1 + (levels[t * bins + k] - loudest) / Range), at = ((bins - 1 - k) * frames + t) * 4;
      image.data.set(viridis.subarray(Math.round(share * 255) * 3, Math.round(share * 255) * 3 + 3), at);
      image.data[at + 3] = 255;
    }
  context.putImageData(image, 0, 0);
  return picture;
}
