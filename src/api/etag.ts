/** RFC 9110, sections 8.8.3 and 13.1. */
import { hash } from 'node:crypto';
import { VisageError } from '../errors.ts';
import type { RequestHeaders } from './route.ts';

const MAX_TAGS = 100;
const ENTRY = /[ \t]*((?:W\/)?"[\x21\x23-\x7E\x80-\xFF]*")[ \t]*(,|$)/y;

/**
 * Runs inside the changing transaction.
 * @throws `PRECONDITION_FAILED`.
 */
export type Precondition = (record: object | null) => void;

export function etagOf(record: object): string {
  const fields = Object.entries(record).filter(([, value]) => value !== undefined);
  fields.sort(([first], [second]) => (first < second ? -1 : 1));
  return tagOf(JSON.stringify(fields));
}

/** Browsers must revalidate the image. */
export function imageHeaders(jpeg: Buffer): { readonly ETag: string; readonly 'Cache-Control': string } {
  return { ETag: tagOf(jpeg), 'Cache-Control': 'private, no-cache' };
}

function tagOf(content: string | Buffer): string {
  return `"${hash('sha256', content, 'base64url').slice(0, 22)}"`;
}

function listOf(text: string): readonly string[] | null {
  const entry = new RegExp(ENTRY);
  const tags: string[] = [];
  while (tags.length < MAX_TAGS) {
    const [, tag, separator] = entry.exec(text) ?? [];
    if (tag === undefined) return null;
    tags.push(tag);
    if (separator === '') return tags;
  }
  return null;
}

function tagsOf(headers: RequestHeaders, name: 'if-match' | 'if-none-match'): readonly string[] | '*' | null {
  const text = headers[name]?.[0]?.trim();
  if (text === undefined) return null;
  if (text === '*') return '*';
  const tags = listOf(text);
  if (tags) return tags;
  const header = name === 'if-match' ? 'If-Match' : 'If-None-Match';
  const message = `expected "*", or at most ${MAX_TAGS} entity tags in double quotes with commas between them`;
  throw new VisageError('VALIDATION_FAILED', `${header}: ${message}.`, [{ path: header, message }]);
}

/**
 * Weak tags never match.
 * @throws `VALIDATION_FAILED`.
 */
export function preconditionOf(headers: RequestHeaders): Precondition {
  const tags = tagsOf(headers, 'if-match');
  return (record) => {
    if (tags === null || (record !== null && (tags === '*' || tags.includes(etagOf(record))))) return;
    throw new VisageError(
      'PRECONDITION_FAILED',
      'If-Match names another version. Read the current one, then repeat the change with its ETag.',
    );
  };
}

/** @throws `VALIDATION_FAILED`. */
export function hasTag(headers: RequestHeaders, tag: string): boolean {
  const tags = tagsOf(headers, 'if-none-match');
  const weak = (text: string) => text.replace(/^W\//, '');
  return tags === '*' || (tags ?? []).some((each) => weak(each) === weak(tag));
}
