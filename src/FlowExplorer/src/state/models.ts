import { signal } from '@preact/signals';
import * as api from '../api/client';
import type { ModelSummary } from '../api/types';

const Every = 3000;

/** All models of the repository, looked at again and again: new versions appear while they are trained. */
export const models = signal<ModelSummary[] | null>(null);

/** Versions that appeared while the page was open. */
export const fresh = signal<Set<string>>(new Set());

let timer = 0;

export async function look() {
  clearTimeout(timer);
  try {
    const found = await api.models();
    if (models.value) {
      const known = new Set(models.value.flatMap(each => each.versions.map(version => `${each.name}/${version.version}`)));
      const appeared = found.flatMap(each => each.versions.map(version => `${each.name}/${version.version}`)).filter(id => !known.has(id));
      if (appeared.length > 0) fresh.value = new Set([...fresh.value, ...appeared]);
    }
    if (JSON.stringify(found) !== JSON.stringify(models.value)) models.value = found;
  } catch {
    // The banner says that the service is gone, or the dialog asks for a key.
  }
  timer = window.setTimeout(look, document.hidden ? Every * 5 : Every);
}

document.addEventListener('visibilitychange', () => { if (!document.hidden && models.value) void look(); });
