import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { Problem } from '../api/client';
import { exact } from '../math/text';

export interface SliderProps {
  label: string; value: number; min: number; max: number; step: number | 'any'; onInput: (value: number) => void;
  text?: string; hint?: string;
}

/** A slider with its name and its value. */
export function Slider({ label, value, min, max, step, onInput, text, hint }: SliderProps) {
  const id = useId();
  return (
    <div class="slider">
      <label for={id}>{label}</label>
      <output for={id}>{text ?? exact(value)}</output>
      <input id={id} type="range" min={min} max={max} step={step === 'any' ? (max - min) / 1000 : step} value={value} aria-valuetext={text}
        onInput={event => onInput(event.currentTarget.valueAsNumber)} />
      {hint && <small>{hint}</small>}
    </div>
  );
}

export function Toggle({ label, on, onChange, colour }: { label: string; on: boolean; onChange: (on: boolean) => void; colour?: string }) {
  return (
    <button type="button" class="chip" aria-pressed={on} onClick={() => onChange(!on)}>
      {colour && <span class="swatch" style={{ background: `var(--${colour})` }} />}
      {label}
    </button>
  );
}

export function Choice<T extends string>({ label, options, value, onChange }: { label: string; options: [T, string][]; value: T; onChange: (value: T) => void }) {
  return (
    <div class="choice" role="group" aria-label={label}>
      {options.map(([name, text]) => <button key={name} type="button" aria-pressed={name === value} onClick={() => onChange(name)}>{text}</button>)}
    </div>
  );
}

export function Select({ label, options, value, onChange }: { label: string; options: [string, string][]; value: string; onChange: (value: string) => void }) {
  const id = useId();
  return (
    <span class="select">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={event => onChange(event.currentTarget.value)}>
        {options.map(([name, text]) => <option key={name} value={name}>{text}</option>)}
      </select>
    </span>
  );
}

/** What went wrong, in the service's words, and what to do. */
export function Fault({ problem, onAgain }: { problem: Problem; onAgain?: () => void }) {
  const remedy = problem.isGone ? 'The page tries again by itself; what you see is from before.'
    : problem.type === 'not-calibrated' ? 'p-values and reasons come with a calibration; log densities are there without.'
      : problem.status === 404 || problem.type === 'model-failed' ? 'It may have been unloaded or renamed. The list of models says what there is.' : '';
  return (
    <div class="fault" role="alert">
      <strong>{sentence(problem.message)}</strong>
      {remedy && <span>{remedy}</span>}
      {onAgain && <button type="button" onClick={onAgain}>Try again</button>}
    </div>
  );
}

export function sentence(text: string) {
  const trimmed = text.trim();
  return trimmed.charAt(0).toUpperCase() + trimmed.slice(1) + (/[.!?]$/.test(trimmed) ? '' : '.');
}

/** A panel with a heading. */
export function Panel({ title, hint, children, class: name, tools }: { title: string; hint?: ComponentChildren; children: ComponentChildren; class?: string; tools?: ComponentChildren }) {
  return (
    <section class={`panel ${name ?? ''}`}>
      <header><h2>{title}</h2>{tools && <div class="tools">{tools}</div>}</header>
      {hint && <p class="hint">{hint}</p>}
      {children}
    </section>
  );
}

export function Figure({ name, children }: { name: string; children: ComponentChildren }) {
  return <div class="figure"><dt>{name}</dt><dd>{children}</dd></div>;
}

/** A place where a file can be dropped, or chosen by the keyboard. */
export function Drop({ label, accept, onFile, children }: { label: string; accept: string; onFile: (file: File) => void; children?: ComponentChildren }) {
  const [over, setOver] = useState(false);
  const id = useId();
  return (
    <div class={`drop ${over ? 'over' : ''}`}
      onDragOver={event => { event.preventDefault(); setOver(true); }}
      onDragLeave={() => setOver(false)}
      onDrop={event => {
        event.preventDefault();
        setOver(false);
        const file = event.dataTransfer?.files[0];
        if (file) onFile(file);
      }}>
      <input id={id} class="hidden-input" type="file" accept={accept} onChange={event => {
        const file = event.currentTarget.files?.[0];
        if (file) onFile(file);
        event.currentTarget.value = '';
      }} />
      <label for={id} class="button primary">{label}</label>
      {children}
    </div>
  );
}
