import { useMemo, useState } from 'preact/hooks';
import * as api from '../api/client';
import { Problem } from '../api/client';
import type { ModelDetails, Rows } from '../api/types';
import { countOf, rowOf } from '../api/types';
import { Canvas } from '../draw/canvas';
import { rangeOfPixels, rowOfFile } from '../draw/picture';
import { exact, short } from '../math/text';
import { Choice, Drop, Fault, Figure, Panel, Slider } from '../parts/controls';
import { Snippets } from '../parts/snippets';
import type { Answer } from '../state/latest';
import { useLatest, useResting } from '../state/latest';
import { note, numberAt, route } from '../state/route';
import { useReference } from './density';
import { Tile } from './tile';

const Columns = 10, LinesWithoutClass = 6, OfOneClass = 40, Near = 8, Between = 9, UsualTemperature = 0.8;

interface Chosen { row: Float32Array; context?: number[]; from: string }

/** A model of pictures: samples, one picture closely, and the ways from it to others. */
export function Images({ model }: { model: ModelDetails }) {
  const classes = model.context?.classes, shape = model.event_shape!;
  const temperature = numberAt('temperature', UsualTemperature), seed = numberAt('seed', 1);
  const only = route.value.query.class;
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [other, setOther] = useState<Chosen | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const shown = classes ? only !== undefined ? [Number(only)] : Array.from({ length: classes }, (_, i) => i) : [undefined];
  const perLine = only !== undefined ? OfOneClass : classes ? Columns : Columns * LinesWithoutClass;
  const grid = useLatest([model.name, model.version, temperature, seed, only], async signal => classes
    ? api.sampleClasses(model.name, { count: perLine, seed, temperature }, shown as number[], signal)
    : [await api.sample(model.name, { count: perLine, seed, temperature }, signal)]);
  const take = async (file: File) => {
    setProblem(null);
    try {
      choose({ row: await rowOfFile(file, shape, rangeOfPixels(model)), context: classes ? [only !== undefined ? Number(only) : 0] : undefined, from: file.name });
    } catch (error) {
      setProblem(new Problem(-1, 'page', (error as Error).message));
    }
  };
  const choose = (picture: Chosen | null) => { setChosen(picture); setOwn(null); };
  const still = useResting(grid.value, [temperature, seed, only, grid.busy]);
  const first = still?.[0];
  const current = chosen ?? (first ? { row: rowOf(first, 0), context: shown[0] === undefined ? undefined : [shown[0]], from: 'the first sample' } : null);
  const second = other ?? (still ? { row: rowOf(still[still.length - 1], Math.min(3, countOf(still[still.length - 1]) - 1)), context: current?.context, from: 'another sample' } : null);
  const context = classes ? `[${shown.join(', ')}]` : undefined;
  const [own, setOwn] = useState<number | null>(null);
  const ownContext = classes ? [own ?? current?.context?.[0] ?? 0] : undefined;
  const looked = useLooked(model, current, ownContext);
  const look = `Choose a picture to look at it closely${classes ? '; with Shift it becomes the end of the way below' : ''}.`;
  return (
    <div class="stack">
      <div class="columns wide-left">
        <Panel title="Pictures that the flow makes up" hint={classes && only === undefined ? `A line for each class. ${look}` : look}>
          {(grid.problem ?? problem) && <Fault problem={(grid.problem ?? problem)!} />}
          <div class="samples">
            {shown.map((each, line) => (
              <div class={only !== undefined || !classes ? 'line wrap' : 'line'} key={String(each)}>
                {classes && <span class="class">{each}</span>}
                {Array.from({ length: perLine }, (_, i) => {
                  const rows = grid.value?.[line];
                  const row = rows && i < countOf(rows) ? rowOf(rows, i) : null;
                  const here: Chosen | null = row && { row, context: each === undefined ? undefined : [each], from: each === undefined ? `sample ${i + 1}` : `sample ${i + 1} of class ${each}` };
                  return <Tile key={i} model={model} row={row} label={here?.from ?? 'a sample'} pressed={chosen?.from === here?.from} onChoose={(asEnd: boolean) => here && (asEnd ? setOther(here) : choose(here))} />;
                })}
              </div>
            ))}
          </div>
        </Panel>
        <div class="stack">
          <Panel title="Samples">
            {classes && <Choice label="Class" options={[['', 'all'], ...Array.from({ length: classes }, (_, i) => [String(i), String(i)] as [string, string])]} value={only ?? ''} onChange={value => note({ class: value === '' ? undefined : value })} />}
            <Slider label="Temperature" value={temperature} min={0} max={1.5} step={0.05} hint="At 0 the likeliest picture of each class; at 1 as varied as the data; above, stranger."
              onInput={value => note({ temperature: value === UsualTemperature ? undefined : String(value) })} />
            <button type="button" onClick={() => note({ seed: String(seed + 1) })}>Draw others</button>
            <Drop label="Encode a picture of yours" accept="image/*" onFile={file => void take(file)}><span class="muted">or drop it here</span></Drop>
            <Snippets example={{
              path: 'sample', json: { model: model.name, count: perLine, seed, temperature, ...classes ? { context: shown } : {} }, accept: 'image/png', save: 'samples.png',
              python: `pictures = client.sample(${perLine}, seed=${seed}, model="${model.name}", temperature=${temperature}${context ? `, context=${context}` : ''})    # [pictures, ${shape.join(', ')}]`,
              csharp: `var client = $CLIENT { Model = "${model.name}" };\nSampleAnswer answer = await client.SampleAsync(${perLine}, seed: ${seed}, temperature: ${temperature}${classes ? `, context: [${shown.map(each => `[${each}]`).join(', ')}]` : ''});`,
            }} />
          </Panel>
          {current && <OnePicture model={model} chosen={current} looked={looked} context={ownContext} onClass={setOwn} />}
        </div>
      </div>
      {current && <Ways model={model} chosen={current} other={second} looked={looked.value} context={ownContext} onSwap={() => { choose(second); setOther(current); }} onEnd={setOther} />}
    </div>
  );
}

interface Looked { latent: Rows; logProb: number; decoded: Rows; others: Rows | null; likeliest: number | null }

/** What the flow says of one picture under a class. */
const useLooked = (model: ModelDetails, chosen: Chosen | null, context?: number[]) => useLatest<Looked>([...keyOf(model, chosen), context], async () => {
  if (!chosen) return null!;
  const classes = model.context?.classes, row: Rows = { values: chosen.row, width: chosen.row.length };
  const latent = await api.encode(model.name, row, context);
  const [logProb, decoded, others, byClass] = await Promise.all([
    api.logProb(model.name, row, context), api.decode(model.name, latent, context), classes ? api.decode(model.name, withClasses(latent, classes)) : null,
    classes ? api.score(model.name, Array.from({ length: classes }, () => chosen.row), { isCalibrated: false, context: Array.from({ length: classes }, (_, i) => [i]) }) : null,
  ]);
  const scores = byClass?.log_prob.map(value => value ?? -Infinity);
  return { latent, logProb: logProb[0], decoded, others, likeliest: scores ? scores.indexOf(Math.max(...scores)) : null };
});

const keyOf = (model: ModelDetails, chosen: Chosen | null) => [model.name, model.version, chosen?.from, chosen && Array.from(chosen.row).join(' ')];

function OnePicture({ model, chosen, looked, context, onClass }: { model: ModelDetails; chosen: Chosen; looked: Answer<Looked>; context?: number[]; onClass: (own: number) => void }) {
  const classes = model.context?.classes, { value, problem } = looked;
  const norm = value ? Math.sqrt(value.latent.values.reduce((sum, each) => sum + each * each, 0)) : NaN;
  return (
    <Panel title="One picture" hint={`This is ${chosen.from}. Every picture has one latent, and the latent gives the picture back.`}>
      {problem && <Fault problem={problem} />}
      <div class="pair">
        <figure><Tile large model={model} row={chosen.row} label={`The picture: ${chosen.from}`} /><figcaption>picture</figcaption></figure>
        <figure><Latent latent={value?.latent ?? null} /><figcaption>its latent</figcaption></figure>
        <figure><Tile large model={model} row={value?.decoded.values ?? null} label="The picture that the latent gives back" /><figcaption>and back</figcaption></figure>
      </div>
      {classes && <><span class="muted">as class</span><Choice label="Class of the picture" options={Array.from({ length: classes }, (_, i) => [String(i), String(i)] as [string, string])} value={String(context![0])} onChange={each => onClass(Number(each))} /></>}
      <dl class="figures">
        <Figure name="Log density">{value ? `${exact(value.logProb)} nats` : '–'}</Figure>
        <Figure name="Bits per pixel">{value ? exact(-value.logProb / chosen.row.length / Math.LN2) : '–'}</Figure>
        <Figure name="Length of latent">{value ? `${short(norm)}; about ${short(Math.sqrt(chosen.row.length))} is usual` : '–'}</Figure>
        {classes && <Figure name="Likeliest class">{value?.likeliest ?? '–'}</Figure>}
      </dl>
      <p class="hint">Of pictures the density misleads: plain ones are likelier than the data. Do not decide by it.</p>
    </Panel>
  );
}

function Ways({ model, chosen, other, looked, context, onSwap, onEnd }: { model: ModelDetails; chosen: Chosen; other: Chosen | null; looked: Looked | null; context?: number[]; onSwap: () => void; onEnd: (end: Chosen) => void }) {
  const classes = model.context?.classes;
  const way = useLatest([...keyOf(model, chosen), ...keyOf(model, other), context], () => other ? api.interpolate(model.name, chosen.row, other.row, Between, context) : null);
  const reference = useReference(model);
  const near = useMemo(() => reference.value ? nearest(reference.value, chosen.row) : null, [reference.value, chosen.row]);
  const known = (at: number) => reference.value!.values.slice(at * reference.value!.width, at * reference.value!.width + chosen.row.length);
  return (
    <div class={classes ? 'columns thirds' : 'columns'}>
      {classes && <Panel title="The same latent under each class" hint="The latent holds what is left when the class is known: slant, weight, style.">
        <div class="line fill">{Array.from({ length: classes }, (_, i) => <figure key={i}><Tile model={model} row={looked?.others ? rowOf(looked.others, i) : null} label={`The latent under class ${i}`} /><figcaption>{i}</figcaption></figure>)}</div>
      </Panel>}
      <Panel title="On the way to another" hint="Not a fade: each step is a picture of its own, on an arc between the two latents." tools={<button type="button" onClick={onSwap}>Swap the ends</button>}>
        {way.problem && <Fault problem={way.problem} />}
        <div class="line fill">{Array.from({ length: Between }, (_, i) => <Tile key={i} model={model} row={way.value ? rowOf(way.value.x, i) : null} label={`Step ${i + 1} of ${Between}`} />)}</div>
        <p class="hint">{`From ${chosen.from} to ${other?.from ?? 'another sample'}.`}</p>
        <Snippets example={{
          path: 'interpolate', json: { model: model.name, x: [Array.from(chosen.row, rounded), Array.from(other?.row ?? [], rounded)], steps: Between, ...context ? { context } : {} }, accept: 'image/png', save: 'way.png',
          python: `latents = client.encode(pictures, model="${model.name}"${context ? `, context=${context[0]}` : ''})    # pictures: [n, ${model.event_shape!.join(', ')}]\nback = client.decode(latents, model="${model.name}"${context ? `, context=${context[0]}` : ''})`,
          csharp: `var client = $CLIENT { Model = "${model.name}" };\nEncodeAnswer latents = await client.EncodeAsync(pictures${context ? `, context: [[${context[0]}]]` : ''});\nDecodeAnswer back = await client.DecodeAsync(latents.Z${context ? `, context: [[${context[0]}]]` : ''});`,
        }} />
      </Panel>
      <Panel title="Nearest among the data" hint={model.calibration ? 'Of the rows that the model was calibrated with, by distance of pixels. A sample that equals one of them would be copied, not made up.' : 'The model has no calibration, and so no rows to compare with. flow calibrate keeps some.'}>
        {near && <div class="line fill">{near.map(({ row: at, distance }) => <figure key={at}><Tile model={model} row={known(at)} label={`A neighbour at distance ${exact(distance)}`}
          onChoose={() => onEnd({ row: known(at), context, from: `row ${at + 1} of the data` })} /><figcaption>{short(distance)}</figcaption></figure>)}</div>}
      </Panel>
    </div>
  );
}

const rounded = (value: number) => Number(value.toPrecision(5));

/** A latent as a field of light and dark: what there is of it to see. */
function Latent({ latent }: { latent: Rows | null }) {
  return <Canvas class="tile large" label="The latent as shades" state={[latent]} draw={({ context, width, height }) => {
    if (!latent) return;
    const side = Math.ceil(Math.sqrt(latent.values.length)), size = width / side;
    latent.values.forEach((value, i) => {
      const shade = Math.max(0, Math.min(255, 128 + value * 48));
      context.fillStyle = `rgb(${shade},${shade},${shade})`;
      context.fillRect(i % side * size, Math.floor(i / side) * (height / side), size + 0.5, height / side + 0.5);
    });
  }} />;
}

/** One latent with each class behind it, as rows of NumPy carry a context. */
function withClasses({ values, width }: Rows, classes: number): Rows {
  const all = new Float32Array(classes * (width + 1));
  for (let i = 0; i < classes; i++) {
    all.set(values, i * (width + 1));
    all[i * (width + 1) + width] = i;
  }
  return { values: all, width: width + 1 };
}

function nearest(rows: Rows, to: Float32Array) {
  return Array.from({ length: countOf(rows) }, (_, row) => {
    let sum = 0;
    for (let i = 0; i < to.length; i++) sum += (rows.values[row * rows.width + i] - to[i]) ** 2;
    return { row, distance: Math.sqrt(sum) };
  }).sort((a, b) => a.distance - b.distance).slice(0, Near);
}
