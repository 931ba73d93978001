import type { Rows } from './types';

/** NumPy arrays of float32: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */

const Magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

export interface NpyArray {
  shape: number[];
  /** The fields of a structured array in order, each with the number of its values in a row; one without a name for a plain array. */
  fields: { name: string; width: number }[];
  data: Float32Array;
}

export function write({ values, width }: Rows): Uint8Array<ArrayBuffer> {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${values.length / width}, ${width}), }`;
  const length = Math.ceil((10 + header.length + 1) / 64) * 64;
  const bytes = new Uint8Array(length + values.byteLength);
  bytes.set(Magic);
  bytes.set([1, 0, (length - 10) & 255, (length - 10) >> 8], 6);
  bytes.set(new TextEncoder().encode(header.padEnd(length - 11) + '\n'), 10);
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), length);
  return bytes;
}

export function read(buffer: ArrayBuffer): NpyArray {
  const bytes = new Uint8Array(buffer);
  if (Magic.some((byte, i) => bytes[i] !== byte)) throw new Error('The answer is no NumPy array.');
  const view = new DataView(buffer);
  const start = bytes[6] === 1 ? 10 : 12;
  const end = start + (bytes[6] === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  const header = new TextDecoder().decode(bytes.subarray(start, end));
  const shape = numbers(/'shape':\s*\(([^)]*)\)/.exec(header)![1]);
  const plain = /'descr':\s*'<f4'/.test(header);
  const fields = plain
    ? [{ name: '', width: shape.slice(1).reduce((product, size) => product * size, 1) }]
    : [...header.matchAll(/\('(\w+)', '<f4'(?:, \(([^)]*)\))?\)/g)].map(([, name, sizes]) =>
      ({ name, width: numbers(sizes ?? '').reduce((product, size) => product * size, 1) }));
  // A view needs its start at a multiple of four, which headers give.
  return { shape, fields, data: new Float32Array(buffer.slice(end)) };
}

/** One field of a structured array as rows. */
export function field(array: NpyArray, name: string): Rows {
  const total = array.fields.reduce((sum, each) => sum + each.width, 0);
  let offset = 0;
  for (const each of array.fields) {
    if (each.name === name) return strided(array.data, total, offset, each.width);
    offset += each.width;
  }
  throw new Error(`The answer has no ${name}.`);
}

function strided(data: Float32Array, total: number, offset: number, width: number): Rows {
  const rows = data.length / total;
  const values = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) values.set(data.subarray(row * total + offset, row * total + offset + width), row * width);
  return { values, width };
}

const numbers = (text: string) => text.split(',').map(part => part.trim()).filter(part => part.length > 0).map(Number);
