/** CSV as the service writes it: commas, quotes where a cell holds one. RFC 4180. */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [], cell = '', quoted = false;
  for (let i = 0; i < text.length; i++) {
    const sign = text[i];
    if (quoted) {
      if (sign !== '"') cell += sign;
      else if (text[i + 1] === '"') { cell += '"'; i++; } else quoted = false;
    } else if (sign === '"') quoted = true;
    else if (sign === ',') { row.push(cell); cell = ''; } else if (sign === '\n') {
      row.push(cell.replace(/\r$/, ''));
      rows.push(row);
      row = [];
      cell = '';
    } else cell += sign;
  }
  if (cell !== '' || row.length > 0) rows.push([...row, cell]);
  return rows.filter(each => !(each.length === 1 && (each[0] === '' || each[0].startsWith('#'))));
}

/** A cell as a number: with a decimal comma too. */
export function numberOf(cell: string | undefined): number {
  if (cell === undefined || cell.trim() === '') return NaN;
  const value = Number(cell);
  return Number.isNaN(value) ? Number(cell.replace(',', '.')) : value;
}
