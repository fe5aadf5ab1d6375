import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers whose shape the contract has just checked.
  readonly body: any;
}

interface Media {
  readonly schema: object;
}
interface Operation {
  readonly responses: Record<string, { content?: Record<string, Media> }>;
}
interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
}

/** Forbids undescribed properties, which clients must survive but tests must see. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([name, item]) => [name, closed(item)]));
  const isOpenObject = typeof copy.properties === 'object' && !('additionalProperties' in copy);
  return isOpenObject && 'type' in copy ? { ...copy, additionalProperties: false } : copy;
}

const escaped = (name: string) => encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'));

export class Contract {
  readonly document: Document;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });

  constructor(document: Document) {
    this.document = document;
    this.#ajv.addSchema(closed(document) as object, 'api', undefined, false);
  }

  #check(place: readonly string[], body: unknown): void {
    const validate = this.#ajv.getSchema(`api#/${place.map(escaped).join('/')}`);
    assert.ok(validate, `${place.join(' ')} is not in the document`);
    assert.ok(validate(body), `${place.join(' ')}: ${this.#ajv.errorsText(validate.errors)}`);
  }

  #pathOf(path: string): string {
    if (this.document.paths[path]) return path;
    const fits = (template: string) => new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path);
    return Object.keys(this.document.paths).find(fits) ?? path;
  }

  async check(method: string, target: string, response: Response): Promise<Answer> {
    const path = this.#pathOf(target.split('?', 1)[0] as string);
    const operation = this.document.paths[path]?.[method.toLowerCase()];
    const type = (response.headers.get('content-type') ?? '').split(';', 1)[0] as string;
    const text = await response.text();
    const body: unknown = type.endsWith('json') ? JSON.parse(text) : text;
    assert.ok(response.headers.get('x-request-id'));
    const answer = { status: response.status, headers: response.headers, body };
    if (!operation) {
      this.#check(['components', 'schemas', 'Problem'], body);
      return answer;
    }
    const described = operation.responses[response.status];
    assert.ok(described, `${method} ${path} does not document ${response.status}: ${text}`);
    assert.ok(described.content?.[type], `${method} ${path} ${response.status} does not document ${type}`);
    const status = String(response.status);
    this.#check(['paths', path, method.toLowerCase(), 'responses', status, 'content', type, 'schema'], body);
    return answer;
  }
}
