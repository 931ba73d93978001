import { signal } from '@preact/signals';
import * as npy from './npy';
import type { Calibration, Drift, ModelDetails, ModelSummary, Rows, Scored, Shadow } from './types';

/** What the service refused, in its own words; or that it did not answer at all. */
export class Problem extends Error {
  constructor(readonly status: number, readonly type: string, detail: string) {
    super(detail);
  }

  /** Nobody answered. */
  get isGone() { return this.status === 0; }
}

const KeyName = 'flow-explorer-key';

/** The caller's key: for this tab alone, and gone with it. */
export const key = signal(sessionStorage.getItem(KeyName) ?? '');

/** Why a key is asked for; empty where none is. */
export const keyAsked = signal('');

/** Whether the service answered the last call. */
export const isReachable = signal(true);

export function setKey(value: string) {
  sessionStorage.setItem(KeyName, value);
  key.value = value;
  keyAsked.value = '';
}

/** Where the service is: above this script, under whatever path. The page's own address may lack the slash at its end. */
export const base = new URL(import.meta.env.DEV ? '.' : '..', import.meta.env.DEV ? document.baseURI : import.meta.url).href;

export interface Call {
  path: string;
  query?: Record<string, string | number | undefined>;
  body?: BodyInit;
  type?: string;
  accept?: string;
  signal?: AbortSignal;
  /** A POST without a body. */
  post?: boolean;
  /** Its rows are those of the world, and count for drift; all others are questions of the page. */
  counts?: boolean;
}

const Npy = 'application/x-npy', Json = 'application/json', Csv = 'text/csv', Wav = 'audio/wav';

export function addressOf({ path, query }: Pick<Call, 'path' | 'query'>) {
  const said = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value)).replaceAll('%2C', ',')}`);
  return path + (said.length > 0 ? `?${said.join('&')}` : '');
}

export async function ask(call: Call): Promise<Response> {
  const headers: Record<string, string> = {};
  if (call.type) headers['Content-Type'] = call.type;
  if (call.accept) headers.Accept = call.accept;
  if (!call.counts) headers['Flow-Probe'] = 'true';
  if (key.value) headers.Authorization = `Bearer ${key.value}`;
  let response: Response;
  try {
    response = await fetch(base + addressOf(call), { method: call.body === undefined && call.path !== 'sample' && !call.post ? 'GET' : 'POST', headers, body: call.body, signal: call.signal });
  } catch (error) {
    if (call.signal?.aborted) throw error;
    isReachable.value = false;
    throw new Problem(0, 'gone', 'The service does not answer.');
  }
  isReachable.value = true;
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  const said = new Problem(response.status, String(problem.type ?? '').replace('urn:flowservice:', ''), problem.detail ?? problem.title ?? `The service answers ${response.status}.`);
  if (response.status === 401) keyAsked.value = key.value || call.post ? said.message : 'This service asks for a key.';
  throw said;
}

const json = async <T>(call: Call): Promise<T> => (await ask({ accept: Json, ...call })).json();

const array = async (call: Call) => npy.read(await (await ask({ accept: Npy, ...call })).arrayBuffer());

const plain = async (call: Call): Promise<Rows> => {
  const { fields, data } = await array(call);
  return { values: data, width: fields[0].width };
};

export const models = async (signal?: AbortSignal) => (await json<{ models: ModelSummary[] }>({ path: 'models', signal })).models;

export const model = (name: string) => json<ModelDetails>({ path: `models/${encodeURIComponent(name)}` });

export const card = async (name: string) => (await json<{ card: string }>({ path: `models/${encodeURIComponent(name)}/card` })).card;

export const calibration = (name: string) => json<Calibration>({ path: `models/${encodeURIComponent(name)}/calibration` });

/** Ordinary rows, the context behind the features; null where the service keeps them to itself. */
export async function reference(name: string): Promise<Rows | null> {
  try {
    return await plain({ path: `models/${encodeURIComponent(name)}/reference` });
  } catch (error) {
    if (error instanceof Problem && error.status === 403) return null;
    throw error;
  }
}

export const metrics = async () => (await ask({ path: 'metrics' })).text();

/** One row of context for all rows; none for a model that takes none. */
export type Context = number[] | undefined;

const said = (context: Context) => context?.join(',');

export const logProb = async (name: string, rows: Rows, context?: Context, signal?: AbortSignal) =>
  (await array({ path: 'logprob', query: { model: name, context: said(context) }, body: npy.write(rows), type: Npy, signal })).data;

export interface Draw { count: number; seed: number; temperature?: number; context?: Context }

const drawn = (name: string, { count, seed, temperature, context }: Draw) => ({ model: name, count, seed, temperature, context: said(context) });

export const sample = (name: string, draw: Draw, signal?: AbortSignal) => plain({ path: 'sample', query: drawn(name, draw), signal });

/** Samples of several classes by one request: rows for each. */
export async function sampleClasses(name: string, draw: Draw, classes: number[], signal?: AbortSignal): Promise<Rows[]> {
  const all = await plain({ path: 'sample', query: drawn(name, draw), body: npy.write({ values: Float32Array.from(classes), width: 1 }), type: Npy, signal });
  return classes.map((_, i) => ({ values: all.values.subarray(i * draw.count * all.width, (i + 1) * draw.count * all.width), width: all.width }));
}

/** Large pictures for a small one. */
export const enlarge = (name: string, draw: Draw, small: Float32Array, signal?: AbortSignal) =>
  plain({ path: 'sample', query: drawn(name, draw), body: npy.write({ values: small, width: small.length }), type: Npy, signal });

/** What a vocoder speaks of a sound's mels, as a WAV file. */
export const speak = async (name: string, { seed, temperature }: Omit<Draw, 'count'>, sound: Blob, signal?: AbortSignal) =>
  (await ask({ path: 'sample', query: { model: name, seed, temperature }, body: sound, type: Wav, accept: Wav, signal })).blob();

/** The log density of a WAV file given its own mels. */
export const soundDensity = (name: string, sound: Blob, signal?: AbortSignal) =>
  json<{ log_prob_per_sample: number | null }>({ path: 'logprob', query: { model: name }, body: sound, type: Wav, signal });

/** Samples, and the latents that they were made from. */
export async function sampleWithLatents(name: string, draw: Draw, signal?: AbortSignal) {
  const answer = await array({ path: 'sample', query: { ...drawn(name, draw), include: 'z' }, signal });
  return { x: npy.field(answer, 'samples'), z: npy.field(answer, 'z') };
}

export const encode = (name: string, rows: Rows, context?: Context) =>
  plain({ path: 'encode', query: { model: name, context: said(context) }, body: npy.write(rows), type: Npy });

/** The rows of latents, each under its own context; or all under one. */
export const decode = (name: string, latents: Rows, context?: Context) =>
  plain({ path: 'decode', query: { model: name, context: said(context) }, body: npy.write(latents), type: Npy });

/** Latents on their way to data: [layers + 1][rows, features + 1], the log density behind the features. */
export async function layers(name: string, latents: Rows, context?: Context, signal?: AbortSignal): Promise<Rows[]> {
  const answer = await array({ path: 'layers', body: JSON.stringify({ model: name, z: nested(latents), context }), type: Json, signal });
  const [places, rows, width] = answer.shape;
  return Array.from({ length: places }, (_, i) => ({ values: answer.data.subarray(i * rows * width, (i + 1) * rows * width), width }));
}

export async function interpolate(name: string, from: ArrayLike<number>, to: ArrayLike<number>, steps: number, context?: Context) {
  const answer = await json<{ x: number[][]; log_prob: number[] }>({ path: 'interpolate', body: JSON.stringify({ model: name, x: [Array.from(from), Array.from(to)], steps, context }), type: Json });
  return { x: rowsOf(answer.x), logProb: answer.log_prob };
}

/** Log densities with p-values, and reasons where they are asked for. */
export const score = (name: string, rows: ArrayLike<number>[], options: { reasons?: number; isCalibrated: boolean; latents?: boolean; context?: number[] | number[][] }, signal?: AbortSignal) => json<Scored>({
  path: 'logprob',
  body: JSON.stringify({
    model: name, x: rows.map(row => Array.from(row)), context: options.context,
    include: [...options.isCalibrated ? ['p_value', ...options.reasons ? ['attribution'] : []] : [], ...options.latents ? ['z'] : []],
    top: options.isCalibrated && options.reasons ? options.reasons : undefined,
  }),
  type: Json,
  signal,
});

/** A table with its scores behind its own columns: /score, or of a model without a calibration /logprob. */
export const scoreTable = async (query: Record<string, string | number | undefined>, path: string, table: Blob | string, counts: boolean) =>
  (await ask({ path, query, body: table, type: Csv, accept: Csv, counts })).text();

/** How the last rows that were scored differ from those of the calibration. */
export const drift = (name: string, signal?: AbortSignal) => json<Drift>({ path: `models/${encodeURIComponent(name)}/drift`, signal });

/** How two versions compare, where some do. */
export const shadow = (name: string, signal?: AbortSignal) => json<Shadow>({ path: `models/${encodeURIComponent(name)}/shadow`, signal });

/** Lets the compared version serve, or the other one again: for administrators. */
export const serve = (name: string, promoted: boolean) => json<Shadow>({ path: `models/${encodeURIComponent(name)}/${promoted ? 'promote' : 'rollback'}`, post: true });

export const rowsOf = (nestedRows: number[][]): Rows => ({ values: Float32Array.from(nestedRows.flat()), width: nestedRows[0]?.length ?? 0 });

export function nested({ values, width }: Rows): number[][] {
  const rows: number[][] = [];
  for (let i = 0; i < values.length; i += width) rows.push(Array.from(values.subarray(i, i + width)));
  return rows;
}
