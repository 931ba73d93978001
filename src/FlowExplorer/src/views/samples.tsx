import { useMemo } from 'preact/hooks';
import * as api from '../api/client';
import type { ModelDetails } from '../api/types';
import { featuresOf } from '../api/types';
import { Pairs } from '../draw/pairs';
import { Fault, Panel, Slider, Toggle } from '../parts/controls';
import { Snippets } from '../parts/snippets';
import { useLatest } from '../state/latest';
import { note, numberAt, route } from '../state/route';
import { useReference } from './density';

const Most = 5, Usual = 4;

/** Samples of a table's model beside ordinary rows, pair by pair. */
export function Samples({ model }: { model: ModelDetails }) {
  const features = featuresOf(model);
  const temperature = numberAt('temperature', 1), seed = numberAt('seed', 1), count = numberAt('count', 800);
  const reference = useReference(model);
  const samples = useLatest([model.name, model.version, seed, temperature, count], signal => api.sample(model.name, { count, seed, temperature }, signal));
  const chosen = useMemo(() => {
    const named = route.value.query.features?.split(',').map(name => features.indexOf(name)).filter(at => at >= 0);
    return named?.length ? named : features.slice(0, Usual).map((_, i) => i);
  }, [route.value.query.features, model.name]);
  // The fewer upon the more.
  const sets = [...samples.value ? [{ rows: samples.value, colour: 'sample', name: 'samples' }] : [], ...reference.value ? [{ rows: reference.value, colour: 'data', name: 'ordinary rows' }] : []];
  const choose = (at: number, on: boolean) => {
    const next = on ? [...chosen, at].slice(-Most) : chosen.filter(each => each !== at);
    if (next.length > 0) note({ features: next.map(each => features[each]).join(',') });
  };
  const problem = samples.problem ?? reference.problem;
  return (
    <div class="columns wide-left">
      <Panel title="What the flow makes up" hint={reference.value ? 'Rows that the flow drew, beside rows that it was never trained on. Where both clouds agree, it has learned how the features hang together.' : 'Rows that the flow drew, pair by pair of features.'}
        tools={<span class="keys">{model.calibration && <span><i class="swatch data" />ordinary rows</span>}<span><i class="swatch sample" />samples</span></span>}>
        {problem && <Fault problem={problem} />}
        {samples.value && !reference.busy ? <Pairs sets={sets} columns={chosen} names={features} label={`Samples of ${model.name} by ${chosen.map(at => features[at]).join(', ')}`} /> : <div class="canvas pairs space" />}
      </Panel>
      <div class="stack">
        <Panel title="Features" hint={`At most ${Most} at a time.`}>
          <div class="row chips">{features.map((name, i) => <Toggle key={name} label={name} on={chosen.includes(i)} onChange={on => choose(i, on)} />)}</div>
        </Panel>
        <Panel title="Samples">
          <Slider label="Temperature" value={temperature} min={0.1} max={2} step={0.05} onInput={value => note({ temperature: value === 1 ? undefined : String(value) })} />
          <Slider label="Number" value={count} min={100} max={2000} step={100} onInput={value => note({ count: String(value) })} />
          <button type="button" onClick={() => note({ seed: String(seed + 1) })}>Draw others</button>
          <Snippets example={{
            path: 'sample', query: { model: model.name, count, seed, temperature }, accept: 'text/csv',
            python: `samples = client.sample(${count}, seed=${seed}, model="${model.name}", temperature=${temperature})    # a NumPy array [${count}, ${features.length}]`,
            csharp: `var client = $CLIENT { Model = "${model.name}" };\nSampleAnswer answer = await client.SampleAsync(${count}, seed: ${seed}, temperature: ${temperature});`,
          }} />
        </Panel>
      </div>
    </div>
  );
}
