import { parseNetwork } from '../../../../src/base/ip-networks.ts';
import type { ApiKey, KeyChange, NewKeyBody, Scope } from './keys-data.ts';

export interface KeyFields {
  readonly name: string;
  readonly environment: 'live' | 'test';
  readonly collectionId: string;
  readonly rateLimit: string;
  readonly allowedIps: string;
  readonly budget: string;
  readonly expiresInDays: string;
  readonly scopes: readonly Scope[];
  readonly allowedFaces: string;
  readonly models: readonly string[];
}

export const NEW_KEY: KeyFields = {
  name: '',
  environment: 'live',
  collectionId: '',
  rateLimit: '',
  allowedIps: '',
  budget: '',
  expiresInDays: '',
  scopes: [],
  allowedFaces: '',
  models: [],
};

export function fieldsOf(key: ApiKey): KeyFields {
  return {
    name: key.name,
    environment: key.environment,
    collectionId: key.collection_id ?? '',
    rateLimit: key.rate_limit === null ? '' : String(key.rate_limit),
    allowedIps: key.allowed_ips.join('\n'),
    budget: key.budget_usd === null ? '' : String(key.budget_usd),
    expiresInDays: '',
    scopes: key.scopes?.includes('v1:*') ? [] : (key.scopes ?? []),
    allowedFaces: (key.allowed_face_ids ?? []).join('\n'),
    models: key.allowed_llm_models ?? [],
  };
}

function linesOf(text: string): string[] {
  return text
    .split(/[\n,]/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

export interface Problem {
  readonly field: keyof KeyFields;
  readonly kind: 'number' | 'limit' | 'network' | 'face';
  readonly value: string;
}

const MAX_BUDGET = 1e9;
const MAX_DAYS = 36_500;

function problemOfNumber(field: keyof KeyFields, text: string, limit: number, isWhole: boolean): Problem[] {
  if (text.trim() === '') return [];
  const value = Number(text);
  const isNumber = /^\d+(\.\d+)?$/.test(text.trim()) && (!isWhole || (Number.isInteger(value) && value > 0));
  if (!isNumber) return [{ field, kind: 'number', value: text }];
  return value > limit ? [{ field, kind: 'limit', value: String(limit) }] : [];
}

export function problemsOf(fields: KeyFields, maxRateLimit: number): Problem[] {
  const network = linesOf(fields.allowedIps).find((line) => parseNetwork(line) === null);
  const face = linesOf(fields.allowedFaces).find((line) => !/^[\x21-\x7e]{1,512}$/.test(line));
  return [
    ...problemOfNumber('rateLimit', fields.rateLimit, maxRateLimit, true),
    ...problemOfNumber('budget', fields.budget, MAX_BUDGET, false),
    ...problemOfNumber('expiresInDays', fields.expiresInDays, MAX_DAYS, true),
    ...(network === undefined ? [] : [{ field: 'allowedIps', kind: 'network', value: network } as const]),
    ...(face === undefined ? [] : [{ field: 'allowedFaces', kind: 'face', value: face } as const]),
  ];
}

const numberOf = (text: string) => (text.trim() === '' ? null : Number(text));
const listOf = <T>(list: readonly T[]) => (list.length === 0 ? null : [...list]);

function settingsOf(fields: KeyFields) {
  return {
    name: fields.name.trim(),
    collection_id: fields.collectionId || null,
    rate_limit: numberOf(fields.rateLimit),
    allowed_ips: linesOf(fields.allowedIps),
    budget_usd: numberOf(fields.budget),
    scopes: fields.scopes.length === 0 ? (['v1:*'] satisfies Scope[]) : [...fields.scopes],
    allowed_face_ids: listOf(linesOf(fields.allowedFaces)),
    allowed_llm_models: listOf(fields.models),
  };
}

export function bodyOf(fields: KeyFields): NewKeyBody {
  return {
    ...settingsOf(fields),
    environment: fields.environment,
    expires_in_days: numberOf(fields.expiresInDays),
  };
}

export function changeOf(key: ApiKey, fields: KeyFields): KeyChange {
  const before: Record<string, unknown> = settingsOf(fieldsOf(key));
  const changed = Object.entries(settingsOf(fields)).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]),
  );
  const days = numberOf(fields.expiresInDays);
  return { ...Object.fromEntries(changed), ...(days === null ? {} : { expires_in_days: days }) };
}
