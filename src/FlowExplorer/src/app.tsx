import { useEffect, useState } from 'preact/hooks';
import * as api from './api/client';
import type { ModelDetails } from './api/types';
import { kindOf } from './api/types';
import { Fault, Select } from './parts/controls';
import { KeyDialog } from './parts/key';
import { useLatest } from './state/latest';
import { look, models } from './state/models';
import { go, hrefOf, route } from './state/route';
import { theme, toggle } from './state/theme';
import { About } from './views/about';
import { Condition } from './views/condition';
import { Enlarge } from './views/enlarge';
import { Images } from './views/images';
import { Layers } from './views/layers';
import { Density } from './views/density';
import { Models } from './views/models';
import { Rows } from './views/rows';
import { Samples } from './views/samples';
import { Speak } from './views/speak';
import { Today } from './views/today';

interface View { name: string; text: string; show: (model: ModelDetails) => preact.JSX.Element }

/** What there is to see of a model, by its kind: the first is where one begins. */
function viewsOf(model: ModelDetails): View[] {
  return [...ownViewsOf(model), { name: 'today', text: 'Today', show: each => <Today model={each} /> }, { name: 'about', text: 'Model card', show: each => <About model={each} /> }];
}

/** Those that are of its kind alone. */
function ownViewsOf(model: ModelDetails): View[] {
  const kind = kindOf(model.event_shape);
  if (model.context?.block_means) return [{ name: 'enlarge', text: 'Enlarge', show: each => <Enlarge model={each} /> }];
  if (kind === 'image') return [{ name: 'images', text: 'Images', show: each => <Images model={each} /> }];
  if (kind === 'sound') return model.spec?.sound ? [{ name: 'speak', text: 'Speak', show: each => <Speak model={each} /> }] : [];
  if (model.context) return [{ name: 'condition', text: 'Condition', show: each => <Condition model={each} /> }, { name: 'rows', text: 'Odd rows', show: each => <Rows model={each} /> }];
  const rows: View = { name: 'rows', text: 'Odd rows', show: each => <Rows model={each} /> };
  if (kind === 'plane') return [{ name: 'density', text: 'Density', show: each => <Density model={each} /> }, { name: 'layers', text: 'Layer by layer', show: each => <Layers model={each} /> }, rows];
  return [rows, { name: 'samples', text: 'Samples', show: each => <Samples model={each} /> }];
}

export function App() {
  const [turn, setTurn] = useState(0);
  useEffect(() => { void look(); }, []);
  const { model: name } = route.value;
  return (
    <>
      <a class="skip" href="#content" onClick={event => { event.preventDefault(); document.getElementById('content')?.focus(); }}>Skip to the content</a>
      <header class="top">
        <a class="brand" href={hrefOf({ model: '', view: '' })}><img src={`${api.base}explorer/icon.svg`} alt="" width="26" height="26" />Flow explorer</a>
        {models.value && models.value.length > 0 && <Select label="Model" value={name}
          options={[['', 'All models'], ...models.value.map(each => [each.name, each.name] as [string, string])]} onChange={value => go({ model: value, view: '' })} />}
        <nav aria-label="Elsewhere"><a href={`${api.base}swagger`}>Swagger</a></nav>
        <button type="button" class="icon" onClick={toggle} aria-label={`Switch to the ${theme.value === 'dark' ? 'light' : 'dark'} theme`}>{theme.value === 'dark' ? '☀' : '☾'}</button>
      </header>
      {!api.isReachable.value && <div class="banner" role="status">The service does not answer. The page tries again every few seconds; what you see is from before.</div>}
      <main id="content" tabIndex={-1}>{name === '' ? <Models /> : <Model key={`${name} ${turn}`} name={name} />}</main>
      <KeyDialog onKey={() => setTurn(turn + 1)} />
    </>
  );
}

function Model({ name }: { name: string }) {
  const listed = models.value?.find(each => each.name === name);
  // Asked again when its state or its versions change.
  const { value: model, problem } = useLatest([name, listed?.state, listed?.version], () => api.model(name));
  if (problem && !model) return <div class="page"><h1>{name}</h1><Fault problem={problem} /><p><a href={hrefOf({ model: '', view: '' })}>All models</a></p></div>;
  if (!model) return <div class="page loading" aria-busy="true" />;
  if (!model.event_shape)
    return (
      <div class="page">
        <h1>{name}</h1>
        <div class="fault" role="status"><strong>{Unserved[model.state] ?? 'It is not there.'}</strong>{model.reason && <span>{model.reason}</span>}</div>
        <p><a href={hrefOf({ model: '', view: '' })}>All models</a></p>
      </div>
    );
  const views = viewsOf(model);
  const view = views.find(each => each.name === route.value.view) ?? views[0];
  document.title = `${view.text}: ${model.name}`;
  return (
    <div class="page">
      <div class="title">
        <h1>{model.name}</h1>
        <span class="muted">version {model.version}{listed && listed.state !== 'ready' ? `, ${listed.state}` : ''}</span>
        <nav class="tabs" aria-label="Views of the model">
          {views.map(each => <a key={each.name} href={hrefOf({ model: model.name, view: each.name })} aria-current={each === view ? 'page' : undefined}>{each.text}</a>)}
        </nav>
      </div>
      {listed && listed.state !== 'ready' && <div class="fault" role="status"><strong>{Unserved[listed.state]}</strong>{listed.reason && <span>{listed.reason}</span>}</div>}
      <div key={`${model.name} ${model.version} ${view.name}`} class="view">{view.show(model)}</div>
    </div>
  );
}

const Unserved: Record<string, string> = {
  loading: 'The model is being loaded.',
  failed: 'The model could not be loaded.',
  unloaded: 'The model was unloaded by an administrator. POST /models/NAME/load brings it back.',
  on_demand: 'The model made room for others. The next request loads it again.',
};
