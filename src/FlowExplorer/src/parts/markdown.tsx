import type { ComponentChildren } from 'preact';
import { h } from 'preact';

/** The Markdown that model cards are written in: headings, paragraphs, lists, tables, code. Nothing of it becomes markup by itself. */
export function Markdown({ text }: { text: string }) {
  return <div class="markdown">{blocks(text.replaceAll('\r\n', '\n').split('\n'))}</div>;
}

function blocks(lines: string[]): ComponentChildren[] {
  const found: ComponentChildren[] = [];
  for (let i = 0; i < lines.length;) {
    const line = lines[i];
    if (line.trim() === '') { i++; continue; }
    if (line.startsWith('```')) {
      const end = lines.findIndex((each, at) => at > i && each.startsWith('```'));
      const last = end < 0 ? lines.length : end;
      found.push(<pre tabIndex={0}><code>{lines.slice(i + 1, last).join('\n')}</code></pre>);
      i = last + 1;
      continue;
    }
    const heading = /^(#{1,4}) (.*)/.exec(line);
    if (heading) {
      found.push(h(`h${Math.min(6, heading[1].length + 1)}`, null, inline(heading[2])));
      i++;
      continue;
    }
    const from = i;
    if (line.startsWith('|')) {
      while (i < lines.length && lines[i].startsWith('|')) i++;
      found.push(table(lines.slice(from, i)));
    } else if (/^[-*] /.test(line)) {
      while (i < lines.length && /^([-*] |\s+\S)/.test(lines[i])) i++;
      found.push(<ul>{lines.slice(from, i).filter(each => /^[-*] /.test(each)).map(each => <li>{inline(each.slice(2))}</li>)}</ul>);
    } else {
      while (i < lines.length && lines[i].trim() !== '' && !/^(#|```|\||[-*] )/.test(lines[i])) i++;
      if (i === from) i++;
      found.push(<p>{inline(lines.slice(from, i).join(' '))}</p>);
    }
  }
  return found;
}

function table(lines: string[]) {
  const cells = (line: string) => line.replace(/^\||\|$/g, '').split('|').map(cell => cell.trim());
  const [head, rule, ...body] = lines.map(cells);
  const sides = (rule ?? []).map(cell => cell.endsWith(':') ? 'right' : 'left');
  return (
    <div class="scroll" tabIndex={0}>
      <table>
        <thead><tr>{head.map((cell, i) => <th class={sides[i]} scope="col">{inline(cell)}</th>)}</tr></thead>
        <tbody>{body.map(row => <tr>{row.map((cell, i) => <td class={sides[i]}>{inline(cell)}</td>)}</tr>)}</tbody>
      </table>
    </div>
  );
}

function inline(text: string): ComponentChildren[] {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\([^)]+\))/).map(part => {
    if (part.startsWith('`')) return <code>{part.slice(1, -1)}</code>;
    if (part.startsWith('**')) return <strong>{part.slice(2, -2)}</strong>;
    const link = /^\[([^\]]+)\]\((https?:[^)]+)\)$/.exec(part);
    return link ? <a href={link[2]} rel="noreferrer">{link[1]}</a> : part;
  });
}
