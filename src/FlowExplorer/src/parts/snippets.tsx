import { useState } from 'preact/hooks';
import { addressOf, base, key } from '../api/client';
import { Choice } from './controls';

/** A call as somebody would make it who has no page. */
export interface Example {
  path: string;
  query?: Record<string, string | number | undefined>;
  /** A JSON body; or the name of a file that is sent. */
  json?: Record<string, unknown>;
  file?: { name: string; type: string };
  save?: string;
  accept?: string;
  python: string;
  csharp: string;
  /** Whether it is a GET. */
  get?: boolean;
}

type Language = 'curl' | 'python' | 'csharp';

const Languages: [Language, string][] = [['curl', 'curl'], ['python', 'Python'], ['csharp', 'C#']];

/** The view as calls: what it asked of the service. */
export function Snippets({ example }: { example: Example }) {
  const [language, setLanguage] = useState<Language>('curl');
  const [copied, setCopied] = useState(false);
  const text = language === 'curl' ? curl(example) : language === 'python' ? python(example) : csharp(example);
  const copy = async () => {
    await navigator.clipboard?.writeText(text).catch(() => undefined);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <details class="snippets">
      <summary>The same by curl, Python and C#</summary>
      <div class="row">
        <Choice label="Language" options={Languages} value={language} onChange={setLanguage} />
        <button type="button" onClick={() => void copy()}>{copied ? 'Copied' : 'Copy'}</button>
        <button type="button" onClick={() => void navigator.clipboard?.writeText(location.href)} title="The address of this page restores what you see">Copy link to this view</button>
      </div>
      <pre tabIndex={0} aria-label="Code"><code>{text}</code></pre>
    </details>
  );
}

const address = base.replace(/\/$/, '');

function curl({ path, query, json, file, save, accept, get }: Example) {
  const parts = [`curl -s '${address}/${addressOf({ path, query })}'`];
  if (key.value) parts.push(`-H "Authorization: Bearer $FLOW_KEY"`);
  if (json) parts.push(`-H 'Content-Type: application/json'`, `-d '${JSON.stringify(json).replaceAll("'", String.raw`'\''`)}'`);
  if (file) parts.push(`-H 'Content-Type: ${file.type}'`, `--data-binary @${file.name}`);
  if (!json && !file && !get) parts.push('-X POST');
  if (accept) parts.push(`-H 'Accept: ${accept}'`);
  if (save) parts.push(`-o ${save}`);
  return parts.join(' \\\n  ');
}

const python = ({ python: body }: Example) => `import numpy
from flow_client import Client    # clients/python/flow_client.py, one file to copy

client = Client("${address}"${key.value ? ', key=os.environ["FLOW_KEY"]' : ''})
${body}`.replace('import numpy', key.value ? 'import os\nimport numpy' : 'import numpy');

const csharp = ({ csharp: body }: Example) => `using FlowService.Client;      // clients/dotnet

${body.replaceAll('$CLIENT', `new FlowClient("${address}"${key.value ? ', Environment.GetEnvironmentVariable("FLOW_KEY")' : ''})`)}`;

/** Lists of numbers as code. */
export const list = (values: ArrayLike<number>, open = '[', close = ']') => `${open}${Array.from(values, value => Number(value.toPrecision(7))).join(', ')}${close}`;
