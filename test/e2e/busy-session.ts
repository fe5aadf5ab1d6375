import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Store } from '../../src/store/store.ts';
import { openModelPack } from '../../src/vision/model-pack.ts';
import { nobody, portrait } from '../../testing/photographs.ts';
import { valuesOf } from '../../testing/rows.ts';
import { type Child, setupCodeOf, startChild, temporaryFolder, visagectl } from '../../testing/service.ts';
import { Secrets } from './secrets.ts';

const EMAIL = 'ada.owner@example.com';

export interface Output {
  readonly log: string;
  readonly stderr: string;
  readonly metrics: string;
  readonly problems: string;
  readonly successes: string;
  readonly audit: string;
}

export interface Outcome {
  readonly hidden: Secrets;
  readonly handedOut: Secrets;
  readonly output: Output;
  readonly lines: readonly Record<string, unknown>[];
}

export async function busySession(): Promise<Outcome> {
  const folder = await temporaryFolder();
  const settings = join(folder.path, 'visage.toml');
  writeFileSync(settings, '[image_url]\nenabled = true\n');
  const child = await startChild(folder.path, {
    VISAGE_CONFIG: settings,
    VISAGE_LOG_LEVEL: 'trace',
    VISAGE_METRICS_LISTEN: '127.0.0.1:0',
    VISAGE_THREADS: '1',
    VISAGE_MAX_QUEUE: '1',
    VISAGE_TRUSTED_PROXIES: '127.0.0.1',
  });
  try {
    return await new BusySession(child, folder.path).run();
  } finally {
    await child.stop();
    await folder.remove();
  }
}

interface Document {
  readonly paths: Readonly<
    Record<string, { readonly post?: { readonly requestBody?: { content: Contents } } }>
  >;
}
function dereferenced(document: unknown): unknown {
  // biome-ignore lint/suspicious/noExplicitAny: a reference leads to a place of any shape.
  const at = (path: string) => path.split('/').reduce((node: any, name) => node[name], document);
  const follow = (node: unknown): unknown => {
    if (typeof node !== 'object' || node === null) return node;
    if ('$ref' in node) return follow(at(String(node.$ref).replace('#/', '')));
    if (Array.isArray(node)) return node.map(follow);
    return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, follow(value)]));
  };
  return follow(document);
}

type Contents = Readonly<Record<string, { readonly schema: { readonly properties?: object } }>>;

interface Sent {
  readonly json?: unknown;
  readonly body?: NonNullable<RequestInit['body']>;
  readonly headers?: Record<string, string>;
}

class BusySession {
  readonly #child: Child;
  readonly #folder: string;
  readonly #hidden = new Secrets();
  readonly #handedOut = new Secrets();
  readonly #problems: string[] = [];
  readonly #successes: string[] = [];
  #ownerToken = '';
  #key = '';
  #audit = '';
  #before = { log: 0, stderr: 0 };

  constructor(child: Child, folder: string) {
    this.#child = child;
    this.#folder = folder;
  }

  async run(): Promise<Outcome> {
    const metrics = String(this.#child.log.find(({ msg }) => msg === 'metrics')?.url);
    await this.#members();
    await this.#keysAndTokens();
    await this.#pictures();
    await this.#strangers();
    await this.#backup();
    this.#audit = JSON.stringify(await this.#call('GET', '/v1/audit', { headers: this.#owner }));
    const output = { metrics: await (await fetch(metrics)).text() };
    assert.equal(await this.#child.stop(), 0);
    this.#audit += (await this.#ctl('audit', 'export')).stdout;
    await this.#rememberTemplates();
    return {
      hidden: this.#hidden,
      handedOut: this.#handedOut,
      lines: this.#child.log,
      output: {
        ...output,
        log: this.#child.stdout().slice(this.#before.log),
        stderr: this.#child.stderr().slice(this.#before.stderr),
        problems: this.#problems.join('\n'),
        successes: this.#successes.join('\n'),
        audit: this.#audit,
      },
    };
  }

  async #rememberTemplates(): Promise<void> {
    const store = Store.open(this.#folder);
    const { name, version } = await openModelPack('yunet');
    const pack = { pack: name, packVersion: version };
    let remembered = 0;
    for (const gallery of store.faces.galleriesOf(pack)) {
      for (const { rows } of store.faces.rows(gallery, 1)) {
        this.#hidden.addBytes('a template', rows);
        this.#hidden.addVector('a template', valuesOf(rows));
        remembered++;
      }
    }
    await store.close();
    assert.ok(remembered > 0, 'the session left no template to look for');
  }

  get #owner() {
    return { Authorization: `Bearer ${this.#ownerToken}` };
  }

  async #call(method: string, target: string, { json, body, headers }: Sent = {}) {
    const isJson = json !== undefined;
    const sent = isJson ? JSON.stringify(json) : body;
    const response = await fetch(this.#child.url + target, {
      method,
      headers: { ...(isJson ? { 'Content-Type': 'application/json' } : {}), ...headers },
      ...(sent === undefined ? {} : { body: sent }),
    });
    const text = await response.text();
    const said = `${JSON.stringify([...response.headers])}\n${text}\n`;
    (response.ok ? this.#successes : this.#problems).push(said);
    const isText = !(response.headers.get('content-type') ?? '').includes('json');
    // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes, held against their schemas elsewhere.
    return { status: response.status, body: (isText ? text : JSON.parse(text)) as any };
  }

  #raw(bytes: Uint8Array): Promise<void> {
    const { port } = new URL(this.#child.url);
    return new Promise((resolve) => {
      let said = '';
      const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes));
      socket.setTimeout(1_500, () => socket.destroy());
      socket.on('data', (chunk) => {
        said += chunk.toString('latin1');
      });
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#problems.push(said);
        resolve();
      });
    });
  }

  async #ctl(...args: string[]) {
    const said = await visagectl(args, { VISAGE_DATA_DIR: this.#folder });
    this.#problems.push(said.stderr);
    return said;
  }

  #invented(name: string): string {
    const text = `${name}-${randomBytes(12).toString('base64url')}`;
    this.#hidden.addText(name, text);
    return text;
  }

  #keep(name: string, secret: string): string {
    assert.equal(typeof secret, 'string', name);
    this.#handedOut.addText(name, secret);
    return secret;
  }

  #keepKey(name: string, key: string): string {
    this.#keep(`${name}, its end`, key.slice(-16));
    return this.#keep(name, key);
  }
  #keepToken(name: string, token: string): string {
    this.#keep(`${name}, its signature`, token.split('.')[2] as string);
    return this.#keep(name, token);
  }

  async #members(): Promise<void> {
    const setupCode = await setupCodeOf(this.#child);
    const password = this.#invented('password');
    const register = (fields: object, headers = {}) =>
      this.#call('POST', '/auth/register-email', {
        json: { name: 'Ada', email: EMAIL, password, ...fields },
        headers,
      });
    const far = { 'X-Forwarded-For': '192.0.2.1' };
    assert.equal((await register({ setup_code: this.#invented('wrong set-up code') }, far)).status, 403);
    this.#before = { log: this.#child.stdout().length, stderr: this.#child.stderr().length };
    assert.equal((await register({ setup_code: setupCode }, far)).status, 201);
    this.#hidden.addText('set-up code', setupCode);
    this.#keep('e-mail', EMAIL);
    assert.equal((await register({ setup_code: setupCode, email: 'b@example.com' })).status, 403);

    const logIn = (fields: object) =>
      this.#call('POST', '/auth/login', { json: { email: EMAIL, password, ...fields } });
    assert.equal((await logIn({ password: this.#invented('wrong password') })).status, 401);
    assert.equal((await logIn({ pasword: this.#invented('misplaced password') })).status, 400);
    assert.equal((await logIn({ password: { nested: this.#invented('nested password') } })).status, 400);
    const { body } = await logIn({});
    this.#ownerToken = this.#keepToken('owner token', body.data.token);
    const refreshToken = this.#keep('refresh token', body.data.refresh_token);
    const refresh = (token: string) =>
      this.#call('POST', '/auth/refresh', { json: { refresh_token: token } });
    const { body: next } = await refresh(refreshToken);
    this.#ownerToken = this.#keepToken('next owner token', next.data?.token ?? next.token);
    assert.equal((await refresh(this.#invented('wrong refresh token'))).status, 401);

    const headers = { Authorization: `Bearer ${this.#ownerToken}` };
    const change = {
      current_password: this.#invented('not the current password'),
      new_password: this.#invented('new password'),
    };
    assert.equal((await this.#call('POST', '/v1/auth/password', { json: change, headers })).status, 401);
    const invited = await this.#call('POST', '/v1/auth/members/invite', {
      json: { email: 'bob@example.com' },
      headers,
    });
    this.#keep('invitation', invited.body.invitation);
    const tampered = `${this.#ownerToken.slice(0, -20)}${'A'.repeat(20)}`;
    assert.equal(
      (await this.#call('GET', '/v1/audit', { headers: { Authorization: `Bearer ${tampered}` } })).status,
      401,
    );
    this.#keepToken('tampered token', tampered);
  }

  async #keysAndTokens(): Promise<void> {
    const made = await this.#ctl('keys', 'create', '--name', 'first', '--json');
    const { key: first, account_id: accountId } = JSON.parse(made.stdout);
    this.#key = this.#keepKey('key', first);
    const pair = this.#keep('account and key', Buffer.from(`${accountId}:${this.#key}`).toString('base64'));
    const owner = this.#owner;
    const narrow = await this.#call('POST', '/v1/auth/api-keys', {
      json: { name: 'n', rate_limit: 3 },
      headers: owner,
    });
    const narrowKey = this.#keepKey('narrow key', narrow.body.key);
    const again = await this.#call('POST', `/v1/auth/api-keys/${narrow.body.id}/regenerate`, {
      headers: owner,
    });
    const newKey = this.#keepKey('regenerated key', again.body.key);
    const unknown = this.#keepKey('unknown key', `fr_live_${randomBytes(16).toString('hex')}`);

    const all = '/v1/collection/get-all';
    for (const value of [`ApiKey ${this.#key}`, `ApiKey ${pair}`, `Bearer ${this.#key}`, this.#key]) {
      assert.equal((await this.#call('GET', all, { headers: { Authorization: value } })).status, 200);
    }
    for (const value of [
      `ApiKey ${narrowKey}`,
      `Bearer ${unknown}`,
      `Basic ${pair}`,
      `ApiKey ${this.#key}x`,
    ]) {
      assert.equal((await this.#call('GET', all, { headers: { Authorization: value } })).status, 401, value);
    }
    const limited = [];
    for (let i = 0; i < 5; i++)
      limited.push((await this.#call('GET', all, { headers: { 'X-API-Key': newKey } })).status);
    assert.deepEqual(limited, [200, 200, 200, 429, 429]);
    await this.#call('GET', `${all}?api_key=${this.#key}`);
    await this.#call('GET', `/v1/auth/api-keys/${this.#key}`, { headers: owner });
    await this.#call('GET', `/${this.#key}`);
    await this.#call('DELETE', `/v1/collection/delete?collectionId=${this.#key}/`, {
      headers: { 'X-API-Key': this.#key },
    });
    await this.#call('GET', all, {
      headers: { 'X-API-Key': this.#key, 'X-Request-Id': `${this.#key} in here` },
    });
    await this.#ctl('keys', 'revoke', this.#key);
    await this.#ctl('keys', 'create', '--name', 'x', '--scope', this.#key);

    const { body } = await this.#call('GET', '/v1/token/get', { headers: { 'X-API-Key': this.#key } });
    const token = this.#keepToken('token', body.token ?? body.data?.token);
    const headers = { Authorization: `Bearer ${token}` };
    assert.equal((await this.#call('GET', all, { headers })).status, 200);
    assert.equal((await this.#call('GET', '/v1/token/get', { headers })).status, 401);
    await this.#call('GET', all, { headers: { Authorization: `Bearer ${token}${'a'.repeat(9_000)}` } });
    await this.#raw(
      Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token.repeat(30)}\r\n\r\n`),
    );
  }

  async #pictures(): Promise<void> {
    const people = await Promise.all((['anna', 'bea', 'cleo'] as const).map(portrait));
    const empty = await nobody();
    const [anna] = people as [Buffer];
    const broken = anna.subarray(0, 5_000);
    const noise = randomBytes(3_000);
    for (const [i, picture] of [...people, noise].entries()) this.#hidden.addBytes(`picture ${i}`, picture);
    const headers = { 'X-API-Key': this.#key };
    assert.equal(
      (await this.#call('POST', '/v1/collection/create', { json: { collectionId: 'people' }, headers }))
        .status,
      200,
    );
    const document = dereferenced(await (await fetch(`${this.#child.url}/openapi.json`)).json()) as Document;
    const base64 = (data: Buffer) => ({ bytes: data.toString('base64') });
    const routes = Object.entries(document.paths).filter(
      ([, { post }]) => 'image/*' in (post?.requestBody?.content ?? {}),
    );
    assert.ok(routes.length >= 8);
    for (const [path, { post }] of routes) {
      const taken = post?.requestBody?.content['application/json']?.schema.properties ?? {};
      const isTaken = ([name]: [string, unknown]) => name in taken;
      const given = {
        attributes: 'all',
        ...('targetImage' in taken
          ? { targetImage: base64(people[1] as Buffer) }
          : { collectionId: 'people', externalKey: 'anna' }),
      };
      const own = Object.fromEntries(Object.entries(given).filter(isTaken));
      const { targetImage: _, ...texts } = own;
      const parameters = new URLSearchParams(texts as Record<string, string>).toString();
      const send = (image: unknown, more = {}) =>
        this.#call('POST', path, { json: { ...own, image, ...more }, headers });
      const plain = (body: Buffer, type: string, query = `?${parameters}`) =>
        this.#call('POST', `${path}${query}`, { body, headers: { ...headers, 'Content-Type': type } });
      const { status } = await send(base64(anna));
      assert.equal(status, 200, path);
      for (const picture of [anna, empty, broken, noise]) {
        await send(base64(picture));
        await plain(picture, 'image/jpeg');
      }
      await send({ bytes: `data:image/jpeg;base64,${anna.toString('base64url')}` });
      await send({ bytes: `${anna.toString('base64')}!` });
      await send(anna.toString('base64'));
      await send([...anna.subarray(0, 200)]);
      await send(base64(anna), { faceMatchThreshold: anna.toString('base64') });
      await send(base64(anna), { collectionId: anna.toString('base64') });
      await plain(anna, 'text/plain');
      await plain(anna, 'application/json');
      await plain(anna, 'multipart/form-data; boundary=x');
      const half = JSON.stringify({ image: base64(anna), collectionId: 'people' }).slice(0, 3_000);
      await plain(Buffer.from(half), 'application/json');
      await plain(anna, 'image/jpeg', `?collectionId=${anna.toString('base64url').slice(0, 2_000)}`);
      const form = new FormData();
      form.set('collectionId', anna.toString('base64'));
      form.set('image', new Blob([anna]), 'anna.jpg');
      await this.#call('POST', path, { body: form, headers });
    }
    const secret = this.#invented('password in a URL');
    for (const host of ['127.0.0.1:1', 'camera.invalid']) {
      for (const url of [
        `http://camera:${secret}@${host}/snap.jpg?token=${secret}`,
        `http://${host}/snap.jpg?token=${secret}#${secret}`,
      ]) {
        const json = { image: { url }, collectionId: 'people' };
        await this.#call('POST', '/v1/face/search', { json, headers });
      }
    }
    const batch = [anna, broken, noise].map((each, i) => ({
      image: base64(each),
      externalKey: `batch-${i}`,
    }));
    const enrolled = await this.#call('POST', '/v1/face/enroll-batch', {
      json: { collectionId: 'people', faces: batch, allowDuplicates: true },
      headers,
    });
    assert.deepEqual([enrolled.status, enrolled.body.results.length], [200, 3]);
    const json = { image: { bytes: anna.toString('base64') }, collectionId: 'people' };
    const many = await Promise.all(
      Array.from({ length: 9 }, () => this.#call('POST', '/v1/face/search', { json, headers })),
    );
    assert.ok(many.some(({ status }) => status === 503));
    await this.#call(
      'GET',
      `/v1/external-key/get-face-ids?collectionId=people&externalKey=${'k'.repeat(600)}`,
      { headers },
    );
  }

  async #backup(): Promise<void> {
    const backups = await temporaryFolder();
    try {
      assert.equal((await this.#ctl('backup', '--to', backups.path)).code, 0);
    } finally {
      await backups.remove();
    }
    await this.#ctl('backup', '--to', join(this.#folder, 'data.mdb'));
  }

  async #strangers(): Promise<void> {
    const anna = await portrait('anna');
    const bytes = (text: string) => Buffer.from(text, 'latin1');
    await this.#raw(anna);
    await this.#raw(
      Buffer.concat([bytes(`POST /v1/face/search HTTP/1.1\r\nX-API-Key: ${this.#key}\r\n`), anna]),
    );
    await this.#raw(
      Buffer.concat([
        bytes('POST /v1/face/search?collectionId=people HTTP/1.1\r\nHost: a\r\nContent-Type: image/jpeg\r\n'),
        bytes(`X-API-Key: ${this.#key}\r\nContent-Length: 999999\r\n\r\n`),
        anna,
      ]),
    );
    await this.#raw(
      bytes(`GET http://${this.#key}@:x/ HTTP/1.1\r\nHost: ${this.#key}\r\nConnection: close\r\n\r\n`),
    );
  }
}
