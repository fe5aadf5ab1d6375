/** Bodies and queries of full size that are made to keep a server's thread busy. */

import type { Route } from '../src/api/route.ts';
import type { Schema } from '../src/api/schema.ts';
import { maxImages, propertiesOf } from '../src/http/image-parameters.ts';

export interface Shape {
  readonly name: string;
  readonly query: string;
  readonly body: { readonly type: string; readonly data: Buffer } | null;
}

const MAX_JSON = 64 * 1024;
const MAX_IMAGE_JSON = 14_000_000;
const MAX_FORM = 10_100_000;
const MAX_LARGEST = 4;

const MAX_QUERY = 15 * 1024;

function filled(size: number, begin: string, unit: string, end: string): Buffer {
  const [head, tail] = [Buffer.from(begin), Buffer.from(end)];
  const bytes = Buffer.from(unit);
  const room = size - head.length - tail.length;
  return Buffer.concat([head, Buffer.alloc(room - (room % bytes.length), bytes), tail]);
}

function properties(size: number): Buffer {
  const parts: string[] = [];
  for (let i = 0, length = 2; length < size - 16; i++) {
    const part = `"${i.toString(36)}z":1`;
    parts.push(part);
    length += part.length + 1;
  }
  return Buffer.from(`{${parts.join(',')}}`);
}

function jsonTexts(size: number, before: string, after: string): [name: string, Buffer][] {
  const fill = (begin: string, unit: string, end: string) => filled(size, before + begin, unit, end + after);
  const escaped = '\\u0041';
  return [
    ['one long text', fill('"', 'A', '"')],
    ['a text of \\u0041', fill('"', escaped, '"')],
    ['a text of \\/', fill('"', '\\/', '"')],
    ['a text of \\n', fill('"', 'A\\n', '"')],
    ['a text of \\"', fill('"', '\\"', '"')],
    ['a text of backslashes', fill('"', '\\\\', '"')],
    ['a text that does not end', fill('"', 'A', '')],
    ['a text of two-byte characters', fill('"', 'é', '"')],
    ['texts of 8 KB', fill('["', `${'A'.repeat(8200)}","`, '"]')],
    ['texts of 8 KB of backslashes', fill('["', `${'\\\\'.repeat(4100)}","`, '"]')],
    ['empty texts', fill('["', '","', '"]')],
    ['empty objects', fill('[', '{},', '1]')],
    ['empty lists', fill('[', '[],', '1]')],
    ['numbers', fill('[', '1,', '1]')],
    ['one long number', fill('', '1', '')],
    ['open brackets', fill('', '[', '')],
    ['nested objects', fill('', '{"a":', '1')],
    ['blanks', fill('', ' ', '1')],
    ['long keys', fill('{"', `${'k'.repeat(9000)}":1,"`, '":1}')],
    ['the same key', fill('{', '"a":1,', '"a":1}')],
  ];
}

function places({ body = {}, images }: Route): [name: string, before: string, after: string][] {
  const own = Object.entries(propertiesOf(body));
  const isOf = ({ type }: Schema, name: string) => [type].flat().includes(name);
  const list = own.find(([, schema]) => isOf(schema, 'array'))?.[0];
  const text = own.find(([, schema]) => isOf(schema, 'string'))?.[0];
  const picture = images && Object.entries(images)[0];
  const inPicture =
    picture?.[1].kind === 'one'
      ? [[`${picture[0]}.bytes`, `{"${picture[0]}":{"bytes":`, '}}'] as const]
      : picture
        ? [
            [
              `${picture[0]}[0].bytes`,
              `{"${picture[0]}":[${picture[1].kind === 'list' ? '' : '{"image":'}{"bytes":`,
              `}${picture[1].kind === 'list' ? '' : '}'}]}`,
            ] as const,
          ]
        : [];
  return [
    ['body', '', ''],
    ...(list ? ([[list, `{"${list}":`, '}']] as [string, string, string][]) : []),
    ...(text ? ([[text, `{"${text}":`, '}']] as [string, string, string][]) : []),
    ...inPicture.map(([name, before, after]): [string, string, string] => [name, before, after]),
    ['unknown', '{"zzz":', '}'],
  ];
}

function* jsonShapes(route: Route): Generator<Shape> {
  if (!route.body && !route.images) return;
  const largest = route.images ? Math.min(maxImages(route.images), MAX_LARGEST) : 1;
  const size = route.images ? MAX_IMAGE_JSON * largest : MAX_JSON;
  const of = (name: string, data: Buffer): Shape => {
    return { name: `JSON: ${name}`, query: '', body: { type: 'application/json', data } };
  };
  const [whole, ...inside] = places(route);
  const [, before = '', after = ''] = whole ?? [];
  for (const [name, data] of jsonTexts(size, before, after)) yield of(name, data);
  yield of('different keys', properties(size > MAX_JSON ? 256 * 1024 : size));
  for (const [place, open, close] of inside) {
    const isWorthwhile = size === MAX_JSON || place.endsWith('bytes');
    if (!isWorthwhile) continue;
    for (const [name, data] of jsonTexts(size, open, close)) yield of(`${place} is ${name}`, data);
  }
}

function* formShapes({ images }: Route): Generator<Shape> {
  if (!images) return;
  const size = MAX_FORM * Math.min(maxImages(images), MAX_LARGEST);
  const part = (name: string, file: boolean) =>
    `--b\r\nContent-Disposition: form-data; name="${name}"${file ? '; filename="a"' : ''}\r\n\r\n`;
  const name = images.image ? 'image' : 'images';
  const of = (what: string, data: Buffer): Shape => {
    return { name: `form: ${what}`, query: '', body: { type: 'multipart/form-data; boundary=b', data } };
  };
  yield of('a file of near-boundaries', filled(size, part(name, true), '\r\n--a', '\r\n--b--\r\n'));
  yield of('a file of line ends', filled(size, part(name, true), '\r\n', '\r\n--b--\r\n'));
  yield of('many fields', filled(size, '', `${part('f', false)}x\r\n`, '--b--\r\n'));
  yield of('many files', filled(size, '', `${part(name, true)}x\r\n`, '--b--\r\n'));
  yield of('a long field', filled(size, part('collectionId', false), 'x', '\r\n--b--\r\n'));
  yield of('a long head', filled(size, '--b\r\n', 'X-A: b\r\n', '\r\nx\r\n--b--\r\n'));
  yield of('no boundary', filled(size, '', '\r\n', ''));
}

function* rawShapes({ images, body = {} }: Route): Generator<Shape> {
  if (!images?.image) return;
  const query = Object.hasOwn(propertiesOf(body), 'collectionId') ? '?collectionId=c' : '';
  const data = filled(MAX_FORM, '\xff\xd8', 'x', '');
  yield { name: 'image: no image', query, body: { type: 'image/jpeg', data } };
}

function* typeShapes({ body, images }: Route): Generator<Shape> {
  if (!body && !images) return;
  const data = Buffer.from('{}');
  const parts = { blanks: ' ', parameters: 'a=b;', semicolons: ';', quotes: 'a="\\"";' };
  for (const [name, part] of Object.entries(parts)) {
    const type = `application/json;${part.repeat(MAX_QUERY / part.length)}x`;
    yield { name: `Content-Type: ${name}`, query: '', body: { type, data } };
  }
}

function* queryShapes({ query }: Route): Generator<Shape> {
  const names = Object.keys(propertiesOf(query ?? {}));
  const of = (name: string, text: string): Shape => {
    return { name: `query: ${name}`, query: `?${text.slice(0, MAX_QUERY)}`, body: null };
  };
  yield of('many names', Array.from({ length: 3000 }, (_, i) => `${i.toString(36)}=1`).join('&'));
  yield of('one name again and again', 'a=1&'.repeat(4000));
  yield of('percent signs', `a=${'%41'.repeat(6000)}`);
  for (const name of names) yield of(`long ${name}`, `${name}=${'a'.repeat(MAX_QUERY)}`);
}

function* plainShapes({ method, responses }: Route): Generator<Shape> {
  const isStream = responses[200]?.contentType === 'text/event-stream';
  if (method === 'GET' && !isStream) yield { name: 'no parameters', query: '', body: null };
}

export function* shapesOf(route: Route): Generator<Shape> {
  yield* plainShapes(route);
  yield* queryShapes(route);
  yield* typeShapes(route);
  yield* jsonShapes(route);
  yield* formShapes(route);
  yield* rawShapes(route);
}
