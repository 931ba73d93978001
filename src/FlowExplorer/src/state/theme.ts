import { signal } from '@preact/signals';

export type Theme = 'light' | 'dark';

const Name = 'flow-explorer-theme';

const system = window.matchMedia('(prefers-color-scheme: dark)');

const stored = () => localStorage.getItem(Name) as Theme | null;

/** What is shown: what was chosen here, else what the system prefers. */
export const theme = signal<Theme>(stored() ?? (system.matches ? 'dark' : 'light'));

function show() {
  document.documentElement.dataset.theme = theme.value;
}

export function toggle() {
  theme.value = theme.value === 'dark' ? 'light' : 'dark';
  localStorage.setItem(Name, theme.value);
  show();
}

system.addEventListener('change', () => {
  if (stored() === null) {
    theme.value = system.matches ? 'dark' : 'light';
    show();
  }
});

show();

/** A colour of the style sheet, for canvases; read again when the theme changes. */
export function colour(name: string): string {
  void theme.value;
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
