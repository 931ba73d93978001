import { computed, signal } from '@preact/signals';

/** The page's state as its address says it: #/MODEL/VIEW?name=value. A link restores what was seen. */

export interface Route { model: string; view: string; query: Record<string, string> }

const current = signal(parse(location.hash));

export const route = computed(() => current.value);

function parse(hash: string): Route {
  const [path, query] = hash.replace(/^#\/?/, '').split('?');
  const [model = '', view = ''] = path.split('/').map(decodeURIComponent);
  return { model, view, query: Object.fromEntries(new URLSearchParams(query)) };
}

export function hrefOf({ model, view, query = {} }: { model: string; view: string; query?: Record<string, string> }) {
  const said = new URLSearchParams(query).toString().replaceAll('%2C', ',');
  return `#/${[model, view].filter(part => part.length > 0).map(encodeURIComponent).join('/')}${said.length > 0 ? `?${said}` : ''}`;
}

export function go(to: { model: string; view: string; query?: Record<string, string> }) {
  history.pushState(null, '', hrefOf(to));
  current.value = parse(location.hash);
  window.scrollTo(0, 0);
}

let pending = 0;

/** Notes a part of the state in the address; an empty value takes it away. Browsers refuse to be told too often: the last word counts. */
export function note(changes: Record<string, string | undefined>) {
  const query = { ...current.value.query };
  for (const [name, value] of Object.entries(changes))
    if (value === undefined || value === '') delete query[name];
    else query[name] = value;
  current.value = { ...current.value, query };
  clearTimeout(pending);
  pending = window.setTimeout(() => history.replaceState(null, '', hrefOf(current.value)), 150);
}

window.addEventListener('hashchange', () => { current.value = parse(location.hash); });
window.addEventListener('popstate', () => { current.value = parse(location.hash); });

export const numberAt = (name: string, usual: number) => {
  const value = Number(current.value.query[name] ?? NaN);
  return Number.isFinite(value) ? value : usual;
};

export const numbersAt = (name: string) => current.value.query[name]?.split(',').map(Number).filter(Number.isFinite);
