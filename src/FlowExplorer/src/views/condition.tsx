import { useMemo } from 'preact/hooks';
import * as api from '../api/client';
import type { ModelDetails, Rows } from '../api/types';
import { contextNamesOf, featuresOf } from '../api/types';
import { Chart } from '../draw/chart';
import { Pairs } from '../draw/pairs';
import type { Field, Points } from '../draw/plane';
import { Plane } from '../draw/plane';
import { viridisGradient } from '../draw/colour';
import { boxOf, column, gridOf, histogram, quantile, rangeOf } from '../math/stats';
import { exact, short } from '../math/text';
import { Choice, Fault, Panel, Slider, Toggle } from '../parts/controls';
import { list, Snippets } from '../parts/snippets';
import { useLatest } from '../state/latest';
import { note, numberAt, numbersAt, route } from '../state/route';
import { useReference } from './density';
import { usualContext } from './usual';

const Cells = 100, Drawn = 1200, Bins = 40, MostSliders = 12, MostPairs = 4;

/** A conditional flow: what the rest is like, given what is known. */
export function Condition({ model }: { model: ModelDetails }) {
  const features = featuresOf(model), width = features.length, spec = model.context!;
  const names = contextNamesOf(spec), size = spec.classes ? 1 : spec.size ?? 1;
  const reference = useReference(model);
  const usual = useLatest([model.name, model.version], () => usualContext(model));
  const asked = numbersAt('context');
  const context = asked?.length === size ? asked : usual.value;
  const seed = numberAt('seed', 1);
  const shown = { samples: route.value.query.samples !== '0' };
  const ranges = useMemo(() => Array.from({ length: size }, (_, i): [number, number] => reference.value ? rangeOf([column(reference.value, width + i)], 0.05) : [-3, 3]), [reference.value]);
  const samples = useLatest(context && [model.name, model.version, context, seed], signal => context ? api.sample(model.name, { count: Drawn, seed, context }, signal) : null);
  // The box stays where it is while the context moves: it holds what any context that is known leads to.
  const around = useLatest(context && [model.name, model.version, reference.busy], async signal => {
    if (reference.value) return reference.value;
    if (reference.busy || !usual.value) return null!;
    const corners = spec.classes ? Array.from({ length: Math.min(10, spec.classes) }, (_, i) => [i]) : [usual.value, usual.value.map(() => 1.5), usual.value.map(() => -1.5)];
    const drawn = await Promise.all(corners.map(each => api.sample(model.name, { count: 300, seed: 2, context: each }, signal)));
    return { values: Float32Array.from(drawn.flatMap(each => Array.from(each.values))), width } as Rows;
  });
  const box = useMemo(() => around.value && width >= 2 ? boxOf([around.value], 0, 1, 0.15) : null, [around.value]);
  const field = useLatest(box && context && [box, context, model.version], async signal => {
    if (!box || !context || width !== 2) return null!;
    return { logDensity: await api.logProb(model.name, gridOf(box, Cells), context, signal), n: Cells, box } as Field;
  });
  const set = (index: number, value: number) => note({ context: context!.map((own, i) => i === index ? Number(value.toPrecision(4)) : own).join(',') });
  const problem = samples.problem ?? field.problem ?? usual.problem ?? around.problem;
  const points: Points[] = shown.samples && samples.value ? [{ rows: samples.value, colour: '#ff9d5c', radius: 1.6, alpha: 0.75 }] : [];
  const said = spec.classes ? `class ${context?.[0]}` : context?.map((value, i) => `${names[i]} = ${short(value)}`).join(', ');
  return (
    <div class="columns wide-left">
      <div class="stack">
        <Panel title={width === 2 ? `${features[0]} and ${features[1]}, given ${spec.classes ? 'the class' : names.length > 3 ? 'the context' : names.join(' and ')}` : 'The posterior'}
          hint="What the flow holds possible once you tell it what you know. Move a slider, and the whole distribution follows.">
          {problem && <Fault problem={problem} />}
          {width === 2 ? box && field.value ? <Plane box={box} names={features as [string, string]} field={field.value} levels={[0.5, 0.9]} points={points} label={`The density of ${features.join(' and ')} given ${said}`} /> : <div class="canvas plane space" />
            : samples.value && around.value ? <Pairs sets={[...reference.value ? [{ rows: reference.value, colour: 'data', name: 'all rows' }] : [], { rows: samples.value, colour: 'sample', name: 'samples' }]}
              columns={features.slice(0, MostPairs).map((_, i) => i)} names={features} label={`Samples of ${features.slice(0, MostPairs).join(', ')} given ${said}`} /> : <div class="canvas pairs space" />}
          {width === 2 && <div class="legend"><span>unlikely</span><i style={{ background: viridisGradient }} /><span>likely; lines hold 50 and 90 %</span></div>}
          <div class="row">
            {width === 2 && <Toggle label={`${Drawn} samples`} on={shown.samples} onChange={on => note({ samples: on ? undefined : '0' })} colour="dot-sample" />}
            <button type="button" onClick={() => note({ seed: String(seed + 1) })}>Draw others</button>
          </div>
        </Panel>
      </div>
      <div class="stack">
        <Panel title="What is known" hint={reference.value || spec.classes ? undefined : 'The model has no calibration, and so nobody knows which values are usual: the sliders go from −3 to 3.'}>
          {spec.classes ? <Choice label="Class" options={Array.from({ length: spec.classes }, (_, i) => [String(i), String(i)] as [string, string])} value={String(context?.[0] ?? 0)} onChange={value => note({ context: value })} />
            : names.slice(0, MostSliders).map((name, i) => <Slider key={name} label={name} value={context?.[i] ?? 0} min={ranges[i][0]} max={ranges[i][1]} step="any" text={exact(context?.[i] ?? 0)} onInput={value => context && set(i, value)} />)}
          {size > MostSliders && <p class="hint">{`The first ${MostSliders} of ${size} numbers have sliders; the address takes all of them.`}</p>}
          <button type="button" onClick={() => note({ context: undefined })}>Back to the middle</button>
        </Panel>
        <Panel title="Each by itself">
          {features.slice(0, 6).map((name, i) => <Marginal key={name} name={name} at={i} samples={samples.value} around={around.value} />)}
        </Panel>
        <Snippets example={{
          path: 'sample', query: { model: model.name, count: Drawn, seed, context: context?.join(',') }, accept: 'text/csv',
          python: `samples = client.sample(${Drawn}, seed=${seed}, model="${model.name}", context=${context ? list(context) : '[0]'})    # a NumPy array [${Drawn}, ${width}]`,
          csharp: `var client = $CLIENT { Model = "${model.name}" };\nSampleAnswer answer = await client.SampleAsync(${Drawn}, seed: ${seed}, context: [[${context?.map(value => `${value}f`).join(', ')}]]);`,
        }} />
      </div>
    </div>
  );
}

function Marginal({ name, at, samples, around }: { name: string; at: number; samples: Rows | null; around: Rows | null }) {
  const range = useMemo(() => around ? rangeOf([column(around, at)], 0.08) : null, [around, at]);
  const bars = useMemo(() => samples && range ? histogram(column(samples, at), range[0], range[1], Bins) : null, [samples, range]);
  const sorted = useMemo(() => samples ? column(samples, at).sort() : null, [samples, at]);
  if (!bars || !range || !sorted) return <div class="chart space-110" />;
  return (
    <div class="marginal">
      <h3>{name}</h3>
      <span class="muted">{`${exact(quantile(sorted, 0.5))}, and between ${exact(quantile(sorted, 0.05))} and ${exact(quantile(sorted, 0.95))} for 90 %`}</span>
      <Chart label={`Histogram of ${name}`} height={92} x={bars.edges} range={range} series={[{ name, values: [...bars.density, 0], colour: 'sample', fill: true, stepped: true }]} />
    </div>
  );
}
