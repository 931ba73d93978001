import { useState } from 'preact/hooks';
import * as api from '../api/client';
import { Problem } from '../api/client';
import type { ModelDetails } from '../api/types';
import { countOf, rowOf } from '../api/types';
import { meansOf, rangeOfPixels, rowOfFile } from '../draw/picture';
import { exact, short } from '../math/text';
import { Drop, Fault, Figure, Panel, Slider } from '../parts/controls';
import { Snippets } from '../parts/snippets';
import { useLatest } from '../state/latest';
import { note, numberAt } from '../state/route';
import { useReference } from './density';
import { Tile } from './tile';

const Shown = 8, Examples = 24, UsualTemperature = 0.8;

interface Chosen { small: Float32Array; large: Float32Array | null; from: string }

/** A model that enlarges pictures: a small one, and large ones that it may have come from. */
export function Enlarge({ model }: { model: ModelDetails }) {
  const shape = model.event_shape!, small = model.context!.shape!, side = model.context!.block_means!, width = model.width!;
  const temperature = numberAt('temperature', UsualTemperature), seed = numberAt('seed', 1), at = numberAt('row', 0);
  const reference = useReference(model);
  const [own, setOwn] = useState<Chosen | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const rows = reference.value, known = (row: number) => rowOf(rows!, row).subarray(0, width);
  const row = rows ? Math.min(at, countOf(rows) - 1) : 0;
  const chosen: Chosen | null = own ?? (rows ? { large: known(row), small: meansOf(known(row), shape, side), from: `row ${row + 1} of the data` } : null);
  const drawn = useLatest(chosen && [model.name, model.version, seed, temperature, chosen.from, Array.from(chosen.small).join(' ')],
    signal => api.enlarge(model.name, { count: Shown, seed, temperature }, chosen!.small, signal));
  const logProb = useLatest(chosen?.large ? [model.name, model.version, chosen.from] : null,
    async signal => (await api.logProb(model.name, { values: chosen!.large!, width }, undefined, signal))[0]);
  const take = async (file: File) => {
    setProblem(null);
    try {
      const values = await rowOfFile(file, small, rangeOfPixels(model));
      setOwn({ small: values.map(Math.round), large: null, from: file.name });
    } catch (error) {
      setProblem(new Problem(-1, 'page', (error as Error).message));
    }
  };
  const fault = problem ?? drawn.problem ?? reference.problem;
  return (
    <div class="columns wide-left">
      <Panel title="Large pictures that the small one may have come from" hint="None of them is the true one: each is as likely as the model thinks. Made small again, each is the small picture, exactly.">
        {fault && <Fault problem={fault} />}
        <div class="pair">
          <figure><Tile large model={model} row={chosen?.small ?? null} shape={small} label="The small picture" /><figcaption>{`small, ${small[2]} x ${small[1]}`}</figcaption></figure>
          {chosen?.large && <figure><Tile large model={model} row={chosen.large} label="The picture that it was made of" /><figcaption>it was made of this</figcaption></figure>}
        </div>
        <div class="line fill wide">
          {Array.from({ length: Shown }, (_, i) => <Tile key={i} large model={model} row={drawn.value ? rowOf(drawn.value, i) : null} label={`Sample ${i + 1}`} />)}
        </div>
        <dl class="figures">
          <Figure name="How much samples differ">{drawn.value ? `${short(spreadOf(drawn.value.values, width))} a pixel` : '–'}</Figure>
          {chosen?.large && <Figure name="Log density of the original">{logProb.value === undefined || logProb.value === null ? '–' : `${exact(logProb.value)} nats`}</Figure>}
        </dl>
      </Panel>
      <div class="stack">
        <Panel title="Samples" hint={chosen ? `Of ${chosen.from}.` : 'Drop a picture.'}>
          <Slider label="Temperature" value={temperature} min={0} max={1.2} step={0.05} hint="At 0 the middle of what may be; at 1 as varied as the data."
            onInput={value => note({ temperature: value === UsualTemperature ? undefined : String(value) })} />
          <button type="button" onClick={() => note({ seed: String(seed + 1) })}>Draw others</button>
          <Drop label="Take a picture of yours" accept="image/*" onFile={file => void take(file)}><span class="muted">or drop it here: it is made small first</span></Drop>
          <Snippets example={{
            path: 'sample', query: { model: model.name, count: Shown, seed, temperature }, file: { name: 'small.png', type: 'image/png' }, accept: 'image/png', save: 'large.png',
            python: `small = numpy.array([[${chosen ? Array.from(chosen.small, value => Number(value.toPrecision(5))).join(', ') : ''}]])\nlarge = client.sample(${Shown}, seed=${seed}, model="${model.name}", temperature=${temperature}, context=small)    # [pictures, ${shape.join(', ')}]`,
            csharp: `var client = $CLIENT { Model = "${model.name}" };\nSampleAnswer large = await client.SampleAsync(${Shown}, seed: ${seed}, temperature: ${temperature}, context: small);    // ${small.join(' x ')} numbers each`,
          }} />
        </Panel>
        {rows && <Panel title="From the data" hint="Rows that the model was calibrated with, made small. Choose one.">
          <div class="line wrap">
            {Array.from({ length: Math.min(Examples, countOf(rows)) }, (_, i) => <Tile key={i} model={model} row={meansOf(known(i), shape, side)} shape={small} label={`Row ${i + 1} of the data, made small`}
              pressed={!own && i === row} onChoose={() => { setOwn(null); note({ row: i === 0 ? undefined : String(i) }); }} />)}
          </div>
        </Panel>}
      </div>
    </div>
  );
}

/** The standard deviation of a pixel among samples, over all pixels. */
function spreadOf(samples: Float32Array, width: number) {
  const count = samples.length / width;
  let sum = 0;
  for (let pixel = 0; pixel < width; pixel++) {
    let mean = 0, squares = 0;
    for (let i = 0; i < count; i++) mean += samples[i * width + pixel] / count;
    for (let i = 0; i < count; i++) squares += (samples[i * width + pixel] - mean) ** 2;
    sum += squares / (count - 1);
  }
  return Math.sqrt(sum / width);
}
