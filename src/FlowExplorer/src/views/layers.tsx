import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import * as api from '../api/client';
import type { ModelDetails, Rows } from '../api/types';
import { countOf, featuresOf, rowOf } from '../api/types';
import { Bend, bendingOf, latentsOf } from '../draw/bend';
import { Chart } from '../draw/chart';
import { exact, short } from '../math/text';
import { Fault, Panel, Slider, Toggle } from '../parts/controls';
import { list, Snippets } from '../parts/snippets';
import { useLatest } from '../state/latest';
import { note, numberAt, numbersAt, route } from '../state/route';

const Points = 900, SecondsOfAll = 7;

/** Runs a depth from the latents to the data. */
export function usePlay(depth: number, last: number, set: (depth: number) => void): [boolean, (on: boolean) => void] {
  const [playing, setPlaying] = useState(false);
  const at = useRef(depth);
  at.current = depth;
  useEffect(() => {
    if (!playing) return;
    let frame = 0, before = performance.now();
    const step = (now: number) => {
      const next = at.current + (now - before) / 1000 * last / SecondsOfAll;
      before = now;
      set(Math.min(last, next));
      if (next >= last) setPlaying(false);
      else frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
    return () => cancelAnimationFrame(frame);
  }, [playing, last]);
  return [playing, on => {
    if (on && at.current >= last) set(0);
    setPlaying(on);
  }];
}

/** How a flow of two features bends its latent plane, layer by layer. */
export function Layers({ model }: { model: ModelDetails }) {
  const mark = numbersAt('at');
  const { value, problem } = useLatest([model.name, model.version, mark], async signal => {
    const { z } = await api.sampleWithLatents(model.name, { count: Points, seed: 1 }, signal);
    const latent = mark?.length === 2 ? rowOf(await api.encode(model.name, { values: Float32Array.from(mark), width: 2 }), 0) : undefined;
    const asked = latentsOf(z, spanOf(z), latent);
    return { z, latent, bending: bendingOf(await api.layers(model.name, asked.latents, undefined, signal), asked.lines, asked.perLine, asked.marks) };
  });
  const last = model.spec!.bijections.length;
  const depth = Math.min(last, Math.max(0, numberAt('depth', 0)));
  const setDepth = (next: number) => note({ depth: next === 0 ? undefined : String(Math.round(next * 100) / 100) });
  const [playing, setPlaying] = usePlay(depth, last, setDepth);
  const grid = route.value.query.grid !== '0', dots = route.value.query.dots !== '0';
  const shown = Math.round(depth);
  const kinds = [...model.spec!.bijections].reverse().map(each => each.kind.replaceAll('_', ' '));
  const way = useMemo(() => value && value.latent ? value.bending.places.map(place => rowOf(place, countOf(place) - 1)) : null, [value]);
  const [x, y] = featuresOf(model) as [string, string];
  return (
    <div class="columns wide-left">
      <Panel title="From noise to data" hint="Left to itself, a point of noise lies in a round cloud. Each layer stretches and shears the plane a little, and can be undone. After the last one the cloud has become your data. Move the slider, or press play.">
        {problem && <Fault problem={problem} />}
        {value ? <Bend bending={value.bending} depth={depth} names={[x, y]} grid={grid} dots={dots} label={`The latent grid and ${Points} samples of ${model.name} behind layer ${shown} of ${last}`} /> : <div class="canvas plane space" />}
        <div class="row depth">
          <button type="button" class="primary" aria-pressed={playing} onClick={() => setPlaying(!playing)}>{playing ? 'Pause' : 'Play'}</button>
          <Slider label="Depth" value={depth} min={0} max={last} step={1} onInput={next => { setPlaying(false); setDepth(next); }}
            text={shown === 0 ? 'noise' : `behind layer ${shown} of ${last}: ${kinds[shown - 1]}`} />
        </div>
        <div class="row">
          <Toggle label="Grid" on={grid} onChange={on => note({ grid: on ? undefined : '0' })} />
          <Toggle label="Samples" on={dots} onChange={on => note({ dots: on ? undefined : '0' })} />
        </div>
      </Panel>
      <div class="stack">
        <Panel title="What is seen here">
          <ul class="plain">
            <li><strong>The grid</strong> is square in the noise. Where its cells are squeezed the density rises, and where they are stretched it falls: probability is never lost, only moved.</li>
            <li><strong>The colour</strong> of a sample is its density at this depth, from low (blue) to high (yellow).</li>
            <li><strong>The sum</strong> of what the layers do to volume, log|det|, and the density of the noise is the log density of a row. That makes it exact, and not an estimate.</li>
          </ul>
        </Panel>
        <Panel title="One point on its way" hint={way ? `log p rises where the layer squeezes space, and falls where it stretches it.` : 'Give a point, or click one in the density, and its log density is followed through the layers.'}>
          <PointFields names={[x, y]} point={mark?.length === 2 ? [mark[0], mark[1]] : null} />
          {way && <>
            <Chart label="The log density of the point behind each layer" height={170} zero={false} x={way.map((_, i) => i)} xName="layer" yName="log density, nats"
              series={[{ name: 'log density', values: way.map(each => each[2]), colour: 'accent', width: 2.2 }]} lines={[{ at: depth, colour: 'muted', dashed: true }]} />
            <p>{`From ${short(way[0][2])} nats in the noise to `}<strong>{`${exact(way[last][2])} nats`}</strong>{` in the data, through ${last} layers.`}</p>
          </>}
        </Panel>
        <Snippets example={{
          path: 'layers', json: { model: model.name, z: [value?.latent ? Array.from(value.latent, each => Number(each.toPrecision(7))) : [0, 0]] },
          python: `import json, urllib.request\ncall = urllib.request.Request(client.url + "/layers", json.dumps({"model": "${model.name}", "z": [${value?.latent ? list(value.latent) : '[0, 0]'}]}).encode(),\n    {"Content-Type": "application/json"})\nprint(json.load(urllib.request.urlopen(call))["x"])`,
          csharp: `using var http = new HttpClient();\nvar answer = await http.PostAsJsonAsync("${api.base}layers", new { model = "${model.name}", z = new[] { new[] ${value?.latent ? list(value.latent, '{ ', ' }') : '{ 0, 0 }'} } });\nConsole.WriteLine(await answer.Content.ReadAsStringAsync());`,
        }} />
      </div>
    </div>
  );
}

/** A point by its numbers: what the mouse does by a click. */
export function PointFields({ names, point }: { names: [string, string]; point: [number, number] | null }) {
  const set = (index: number, value: number) => {
    if (!Number.isFinite(value)) return;
    const next = point ? [...point] : [0, 0];
    next[index] = value;
    note({ at: next.join(',') });
  };
  return (
    <div class="row point">
      {names.map((name, i) => (
        <label key={name}>{name}<input type="number" step="any" value={point ? Number(point[i].toPrecision(5)) : ''} placeholder="0" onChange={event => set(i, event.currentTarget.valueAsNumber)} /></label>
      ))}
      {point && <button type="button" onClick={() => note({ at: undefined })}>Clear</button>}
    </div>
  );
}

/** How far the grid reaches: as far as most latents lie. */
export function spanOf(z: Rows) {
  const sizes = Float32Array.from(z.values, Math.abs).sort();
  return Math.max(1.5, sizes[Math.floor(sizes.length * 0.985)]);
}
