import { useMemo } from 'preact/hooks';
import * as api from '../api/client';
import type { ModelDetails, Rows, SoundSpec } from '../api/types';
import { countOf, featuresOf, kindOf } from '../api/types';
import type { Surface } from '../draw/canvas';
import { Canvas } from '../draw/canvas';
import { viridisAt } from '../draw/colour';
import { dots } from '../draw/axes';
import { pictureOf, rangeOfPixels } from '../draw/picture';
import { Spectrogram } from '../draw/spectrogram';
import { boxOf } from '../math/stats';
import { soundOf, wavOf } from '../sound/wav';
import { vowels } from '../sound/vowels';
import { useLatest } from '../state/latest';
import { usualContext } from './usual';

/** What a model makes, as large as a stamp. */
export function Thumbnail({ model }: { model: ModelDetails }) {
  return model.spec?.sound ? <Spoken model={model} sampling={model.spec.sound} /> : <Drawn model={model} />;
}

function Spoken({ model, sampling }: { model: ModelDetails; sampling: SoundSpec }) {
  const { value } = useLatest([model.name, model.version], async signal =>
    soundOf(await api.speak(model.name, { seed: 1, temperature: 0.8 }, wavOf(vowels(sampling.rate), sampling.rate), signal), sampling.rate));
  return <Spectrogram small samples={value} sampling={sampling} label={`Spectrogram of vowels that ${model.name} speaks`} />;
}

function Drawn({ model }: { model: ModelDetails }) {
  const isImage = kindOf(model.event_shape) === 'image';
  const { value } = useLatest([model.name, model.version], async signal => {
    const classes = model.context?.classes;
    if (isImage && classes) {
      const shown = Array.from({ length: Math.min(10, classes) }, (_, i) => i);
      const rows = await api.sampleClasses(model.name, { count: 2, seed: 5, temperature: 0.8 }, shown, signal);
      const width = model.width!;
      const values = new Float32Array(shown.length * 2 * width);
      rows.forEach((each, i) => { values.set(each.values.subarray(0, width), i * width); values.set(each.values.subarray(width), (shown.length + i) * width); });
      return { values, width };
    }
    return api.sample(model.name, { count: isImage ? 20 : 1200, seed: 5, context: model.context ? await usualContext(model) : undefined }, signal);
  });
  const names = featuresOf(model);
  const label = isImage ? `Samples of ${model.name}` : names.length > 1 ? `Samples of ${model.name} over ${names[0]} and ${names[1]}` : `Samples of ${model.name}`;
  const box = useMemo(() => value && !isImage ? boxOf([value], 0, Math.min(1, value.width - 1), 0.06) : null, [value]);
  const draw = (surface: Surface) => {
    const { context, width, height } = surface;
    context.fillStyle = viridisAt(0);
    context.fillRect(0, 0, width, height);
    if (!value) return;
    if (isImage) drawImages(surface, value, model);
    else {
      const y = Math.min(1, value.width - 1);
      dots(context, { left: 0, top: 0, width, height }, viridisAt(0.8), 1.3, 0.75, countOf(value), i => (value.values[i * value.width] - box!.x0) / (box!.x1 - box!.x0) * width, i => height - (value.values[i * value.width + y] - box!.y0) / (box!.y1 - box!.y0) * height);
    }
  };
  return <Canvas class="thumbnail" label={label} draw={draw} state={[value]} />;
}

function drawImages({ context, width, height }: Surface, rows: Rows, model: ModelDetails) {
  const shape = model.event_shape!, range = rangeOfPixels(model);
  const columns = 10, lines = Math.ceil(countOf(rows) / columns), size = Math.min((width - 8) / columns, (height - 8) / lines);
  context.imageSmoothingEnabled = false;
  const left = (width - columns * size) / 2, top = (height - lines * size) / 2;
  for (let i = 0; i < countOf(rows); i++)
    context.drawImage(pictureOf(rows.values.subarray(i * rows.width, (i + 1) * rows.width), shape, range), left + i % columns * size + 1, top + Math.floor(i / columns) * size + 1, size - 2, size - 2);
}
