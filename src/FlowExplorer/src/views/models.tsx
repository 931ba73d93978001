import { useEffect, useState } from 'preact/hooks';
import * as api from '../api/client';
import type { Rates, Reading } from '../api/metrics';
import { between, parse } from '../api/metrics';
import type { ModelDetails, ModelSummary } from '../api/types';
import { conditionOf, featuresOf, kindOf } from '../api/types';
import { Bend, bendingOf, latentsOf } from '../draw/bend';
import { Chart } from '../draw/chart';
import { bytes, count, duration, short } from '../math/text';
import { Figure, Slider } from '../parts/controls';
import { useLatest } from '../state/latest';
import { fresh, look, models } from '../state/models';
import { hrefOf } from '../state/route';
import { shape } from './about';
import { spanOf, usePlay } from './layers';
import { Thumbnail } from './thumbnail';

/** What there is: every model with its state, its figures and its live numbers. */
export function Models() {
  document.title = 'Flow explorer';
  const list = models.value;
  const live = useLive();
  if (!list) return <div class="page loading" aria-busy="true" />;
  return (
    <div class="page">
      <h1 class="visually-hidden">Models</h1>
      <Intro list={list} />
      {list.length === 0 && <div class="fault" role="status"><strong>There is no model yet.</strong><span>Train one into the served folder, and it appears here: <code>flow train --input rows.csv --out models/mine/1</code></span></div>}
      <h2 class="section">Models of this service</h2>
      <div class="cards">{[...list].sort((a, b) => Number(a.state === 'failed') - Number(b.state === 'failed')).map(each => <Card key={each.name} model={each} live={live} />)}</div>
      {live.reason && <p class="hint">{live.reason}</p>}
    </div>
  );
}

/** In a minute: what a flow is. By a model that is there, where one has two features; else in words. */
function Intro({ list }: { list: ModelSummary[] }) {
  const planes = list.filter(each => each.state === 'ready' && kindOf(each.event_shape) === 'plane');
  const { value: plane } = useLatest(planes.map(each => [each.name, each.version]), async () => {
    for (const each of planes) {
      const details = await api.model(each.name);
      if (!details.context && details.state === 'ready') return details;
    }
    return null;
  });
  return (
    <section class="intro" aria-label="What a flow is">
      <div class="words">
        <h2>A normalizing flow bends noise into data, and back.</h2>
        <p>It is a chain of small, reversible layers. Run forwards, it turns random noise into new rows that look like yours. Run backwards, it says of any row <strong>exactly how likely</strong> it is.</p>
        <p>So it answers three questions: <em>What do ordinary rows look like? Which of these rows is odd? What makes it odd?</em></p>
        <p class="row">{plane ? <a class="button primary" href={hrefOf({ model: plane.name, view: 'density' })}>See what {plane.name} knows</a> : null}<a class="button" href={`${api.base}swagger`}>Its API</a></p>
      </div>
      {plane ? <Demo key={plane.name} model={plane} /> : planes.length > 0 && <div class="demo"><div class="canvas plane bare space" /><div class="row depth holder" /></div>}
    </section>
  );
}

function Demo({ model }: { model: ModelDetails }) {
  const { value } = useLatest([model.name, model.version], async signal => {
    const { z } = await api.sampleWithLatents(model.name, { count: 700, seed: 3 }, signal);
    const asked = latentsOf(z, spanOf(z));
    return bendingOf(await api.layers(model.name, asked.latents, undefined, signal), asked.lines, asked.perLine, 0);
  });
  const last = value ? value.places.length - 1 : 1;
  const [depth, setDepth] = useState(0);
  const [playing, setPlaying] = usePlay(depth, last, setDepth);
  useEffect(() => {
    if (!value) return;
    if (window.matchMedia('(prefers-reduced-motion: reduce)').matches) setDepth(last);
    else setPlaying(true);
  }, [value]);
  return (
    <div class="demo">
      {value ? <Bend bare bending={value} depth={depth} grid dots names={featuresOf(model) as [string, string]} label={`Noise on its way through the layers of ${model.name}`} /> : <div class="canvas plane bare space" />}
      <div class="row depth">
        <button type="button" aria-label={playing ? 'Pause' : 'Play'} class="icon" onClick={() => setPlaying(!playing)}>{playing ? '❚❚' : '▶'}</button>
        <Slider label="Layer" value={depth} min={0} max={last} step={1} text={Math.round(depth) === 0 ? 'noise' : Math.round(depth) === last ? 'data' : `${Math.round(depth)} of ${last}`} onInput={next => { setPlaying(false); setDepth(next); }} />
      </div>
    </div>
  );
}

interface Live { rates: Record<string, Rates>; history: Record<string, number[]>; reason: string }

const EverySeconds = 2, Kept = 60;

/** The service's own meters, read every two seconds while somebody looks. */
function useLive(): Live {
  const [live, setLive] = useState<Live>({ rates: {}, history: {}, reason: '' });
  useEffect(() => {
    let before: Reading | null = null, timer = 0, ended = false;
    const turn = async () => {
      if (!document.hidden)
        try {
          const now = parse(await api.metrics(), performance.now() / 1000);
          const known = before;
          if (known)
            setLive(({ history }) => {
              const rates: Record<string, Rates> = {}, next: Record<string, number[]> = {};
              for (const [name, reading] of now.models) {
                rates[name] = between(known.models.get(name), reading, now.at - known.at);
                next[name] = [...history[name] ?? new Array(Kept).fill(0), rates[name].rowsPerSecond].slice(-Kept);
              }
              return { rates, history: next, reason: '' };
            });
          before = now;
        } catch (error) {
          const problem = error as api.Problem;
          const reason = problem.status === 404 ? 'Live figures are read from /metrics, which this service answers at a port of its own (Telemetry:MetricsPort).'
            : problem.status === 403 ? 'Live figures need a key with the scope metrics.' : '';
          if (reason) { setLive({ rates: {}, history: {}, reason }); return; }
        }
      if (!ended) timer = window.setTimeout(turn, EverySeconds * 1000);
    };
    void turn();
    return () => { ended = true; clearTimeout(timer); };
  }, []);
  return live;
}

const Words: Record<string, string> = { ready: 'ready', loading: 'loading', failed: 'broken', unloaded: 'unloaded', on_demand: 'on demand' };

function Card({ model, live }: { model: ModelSummary; live: Live }) {
  const { value: details } = useLatest([model.name, model.version, model.state], () => model.event_shape ? api.model(model.name) : null);
  const rates = live.rates[model.name], history = live.history[model.name];
  const isNew = model.versions.some(each => fresh.value.has(`${model.name}/${each.version}`));
  return (
    <article class={`card ${model.state}`}>
      <header>
        <h3><a href={hrefOf({ model: model.name, view: '' })}>{model.name}</a></h3>
        {isNew && <span class="badge new">new version</span>}
        <span class={`badge ${model.state}`}>{Words[model.state]}</span>
      </header>
      {model.state === 'failed' ? <div class="reason"><p>{model.reason}</p><button type="button" onClick={() => void look()}>Look again</button></div> : <>
        {details?.event_shape ? <Thumbnail model={details} /> : <div class="thumbnail" />}
        {model.reason && <p class="reason">Its newer files could not be loaded: {model.reason}</p>}
        <dl class="figures compact">
          <Figure name="Event">{model.event_shape ? shape(model) : '–'}</Figure>
          <Figure name="Condition">{details?.context ? conditionOf(details.context) : 'none'}</Figure>
          <Figure name="Versions">{model.versions.map(each => each.state === 'ready' ? String(each.version) : `${each.version} (${Words[each.state]})`).join(', ')}</Figure>
          <Figure name="Calibration">{details?.calibration ? `${count(details.calibration.rows)} rows` : details ? 'none' : '–'}</Figure>
          <Figure name="Engine">{details ? `${details.engine}, ${details.device}` : '–'}</Figure>
          <Figure name="Weights">{details?.weight_bytes ? bytes(details.weight_bytes) : '–'}</Figure>
          <Figure name="Self-test">{details?.self_test?.log_prob_difference !== undefined ? `${short(details.self_test.log_prob_difference)} nats off` : '–'}</Figure>
          <Figure name="Held out">{details?.spec?.training?.mean_test_log_likelihood !== undefined ? `${short(details.spec.training.mean_test_log_likelihood)} nats` : '–'}</Figure>
        </dl>
        <footer>
          <div class="live">
            <span><b>{rates ? count(rates.rowsPerSecond) : '–'}</b> rows/s</span>
            <span><b>{rates && Number.isFinite(rates.batchRows) ? short(rates.batchRows) : '–'}</b> rows a batch</span>
            <span><b>{rates ? count(rates.queue) : '–'}</b> waiting</span>
            <span><b>{rates ? duration(rates.median) : '–'}</b> median</span>
            <span><b>{rates ? duration(rates.slow) : '–'}</b> 95th</span>
          </div>
          <Chart bare label={`Rows per second of ${model.name} in the last two minutes`} height={36} x={Ticks} series={[{ name: 'rows/s', values: history ?? Zeros, colour: 'accent', fill: true, width: 1.5 }]} />
        </footer>
      </>}
    </article>
  );
}

const Ticks = Array.from({ length: Kept }, (_, i) => i), Zeros = Ticks.map(() => 0);

