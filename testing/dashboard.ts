import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { open } from 'lmdb';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import sharp from 'sharp';
import { OPEN_OPTIONS, openDatabases } from '../src/store/databases.ts';
import { startBrowser } from '../test/browser/browser.ts';
import { type Child, ROOT, type Service, setupCodeOf, startChild, startService } from './service.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** WCAG 2.2 AA. */
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa'];
/** Those of {@link RULES} that a colour scheme can break. */
const COLOR_RULES = ['color-contrast', 'link-in-text-block'];
const FRAMES = 30;

export const PHONE = { width: 360, height: 740 };
export const DESK = { width: 1280, height: 800 };

export interface Account {
  readonly email: string;
  readonly password: string;
}

export const OWNER: Account & { readonly name: string } = {
  name: 'Grace Hopper',
  email: 'grace@example.com',
  password: 'nanosecond wire of copper',
};

interface DashboardOptions {
  readonly settings?: Record<string, string>;
  readonly webcam?: Buffer;
  readonly hasOwner?: boolean;
  readonly host?: string;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of many shapes.
type Body = any;

/** Sends JSON. @returns the body of an answer that must be good. */
async function post(url: string, path: string, json: unknown, token?: string): Promise<Body> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify(json),
  });
  const body = (await response.json()) as Body;
  assert.ok(response.ok, `${path}: ${JSON.stringify(body)}`);
  return body;
}

export class Dashboard {
  readonly service: Service;
  readonly browser: Browser;
  readonly faults: string[] = [];
  readonly #contexts: BrowserContext[] = [];
  readonly #settings: Record<string, string>;
  #again: Child | null = null;

  private constructor(service: Service, browser: Browser, settings: Record<string, string>) {
    this.service = service;
    this.browser = browser;
    this.#settings = settings;
  }

  static async open({
    settings = {},
    webcam,
    hasOwner = true,
    host,
  }: DashboardOptions = {}): Promise<Dashboard> {
    const service = await startService(settings);
    let video: string | null = null;
    if (webcam) {
      video = join(service.folder, 'webcam.mjpeg');
      // Chromium reads frames of even size, baseline, 4:2:0.
      const frame = await sharp(webcam)
        .resize(640, 480, { fit: 'contain', background: '#808080' })
        .jpeg()
        .toBuffer();
      writeFileSync(video, Buffer.concat(Array.from({ length: FRAMES }, () => frame)));
    }
    const fake = ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'];
    const starting = startBrowser([
      ...(video === null ? [] : [...fake, `--use-file-for-fake-video-capture=${video}`]),
      ...(host === undefined ? [] : [`--host-resolver-rules=MAP ${host} 127.0.0.1`]),
    ]);
    const browser = await starting.catch(async (error) => {
      await service.stop();
      throw error;
    });
    const dashboard = new Dashboard(service, browser, settings);
    if (hasOwner) await dashboard.#makeOwner();
    return dashboard;
  }

  get url(): string {
    return this.service.child.url;
  }

  async #makeOwner(): Promise<void> {
    const { name, email, password } = OWNER;
    const code = await setupCodeOf(this.service.child);
    await post(this.url, '/auth/register-email', { name, email, password, setup_code: code });
  }

  async token({ email, password }: Account = OWNER): Promise<string> {
    const { data } = await post(this.url, '/auth/login', { email, password });
    return data.token;
  }

  async post(path: string, json: unknown): Promise<Body> {
    return post(this.url, path, json, await this.token());
  }

  async get(path: string): Promise<Body> {
    const headers = { Authorization: `Bearer ${await this.token()}` };
    return (await fetch(this.url + path, { headers })).json();
  }

  async member(role: 'member' | 'admin' | 'owner', email = `${role}@example.com`): Promise<Account> {
    const { invitation } = await this.post('/v1/auth/members/invite', { email, role });
    const account = { email, password: 'seventeen blue kettles' };
    await post(this.url, '/auth/register-email', { name: `Ada ${role}`, ...account, invitation });
    return account;
  }

  async page(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.browser.newContext({ viewport: DESK, locale: 'en-GB', ...options });
    context.setDefaultTimeout(15_000);
    this.#contexts.push(context);
    const page = await context.newPage();
    page.on('pageerror', (error) => this.faults.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
        this.faults.push(message.text());
      }
    });
    return page;
  }

  /** Without the form, which takes the browser seconds. */
  async logIn(page: Page, { email, password }: Account = OWNER, path = '/'): Promise<void> {
    const { url } = this;
    const answer = await fetch(`${url}/auth/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Origin: url },
      body: JSON.stringify({ email, password, session: 'cookie' }),
    });
    assert.equal(answer.status, 200, await answer.text());
    const cookies = answer.headers.getSetCookie().map((cookie) => {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      const httpOnly = cookie.includes('HttpOnly');
      // Only https makes Playwright mark the cookie as secure.
      return { name, value, httpOnly, sameSite: 'Strict' as const, url: url.replace('http:', 'https:') };
    });
    await page.context().addCookies(cookies);
    await page.goto(this.url + path);
    await page.getByRole('navigation', { name: 'Main' }).waitFor({ state: 'attached' });
  }

  async logInByForm(page: Page, { email, password }: Account = OWNER, path = '/'): Promise<void> {
    await page.goto(this.url + path);
    await page.getByLabel('E-mail').fill(email);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('navigation', { name: 'Main' }).waitFor({ state: 'attached' });
  }

  async loggedIn(path = '/', options: BrowserContextOptions = {}, account: Account = OWNER): Promise<Page> {
    const page = await this.page(options);
    await this.logIn(page, account, path);
    return page;
  }

  async halt(): Promise<void> {
    await (this.#again ?? this.service.child).stop();
  }

  async restart(): Promise<void> {
    const { host } = new URL(this.url);
    this.#again = await startChild(this.service.folder, { ...this.#settings, VISAGE_LISTEN: host });
  }

  async age(milliseconds: number): Promise<void> {
    await this.halt();
    const root = open(this.service.folder, OPEN_OPTIONS);
    const { sessions } = openDatabases(root);
    for (const { key, value } of Array.from(sessions.getRange())) {
      const { createdAt, usedAt = createdAt, confirmedAt = createdAt } = value;
      await sessions.put(key, {
        ...value,
        createdAt: createdAt - milliseconds,
        usedAt: usedAt - milliseconds,
        confirmedAt: confirmedAt - milliseconds,
      });
    }
    await root.close();
    await this.restart();
  }

  /** Closes the pages of a test, which would keep the processor busy. @throws AssertionError for a fault on one. */
  async endTest(): Promise<void> {
    const faults = this.faults.splice(0);
    for (const context of this.#contexts.splice(0)) await context.close().catch(() => {});
    assert.deepEqual(faults, []);
  }

  async stop(): Promise<void> {
    for (const context of this.#contexts) await context.close().catch(() => {});
    await this.browser.close();
    await this.#again?.stop();
    await this.service.stop();
  }
}

/** React Aria's announcer keeps references to buttons that are gone for seconds, so it does not count. */
export async function assertAccessible(
  page: Page,
  where: string,
  without: readonly string[] = [],
): Promise<void> {
  const passes = {
    light: {
      runOnly: { type: 'tag', values: RULES },
      rules: Object.fromEntries(without.map((rule) => [rule, { enabled: false }])),
    },
    dark: {
      runOnly: { type: 'rule', values: COLOR_RULES.filter((rule) => !without.includes(rule)) },
    },
  };
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
    if (!(await page.evaluate("'axe' in window"))) await page.evaluate(AXE);
    const options = JSON.stringify({ ...passes[colorScheme], resultTypes: ['violations'] });
    const violations = (await page.evaluate(
      `axe.run({ exclude: ['[data-live-announcer]'] }, ${options}).then(({ violations }) =>
        violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ': ' + html + ' ' + failureSummary)))`,
    )) as string[];
    assert.deepEqual(violations, [], `${where}, ${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: null });
}

/** The page must not scroll sideways. */
export async function assertFits(page: Page, where: string): Promise<void> {
  const [width, shown] = (await page.evaluate(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  )) as [number, number];
  assert.ok(width <= shown, `${where}: ${width} px wide in ${shown} px`);
}

/**
 * An answer of the service clears the list's focus, so this presses the arrow until the suggestion has it.
 */
export async function takeSuggestion(page: Page, label: string, typed: string, name: string): Promise<void> {
  const box = page.getByRole('combobox', { name: label });
  const option = page.getByRole('option', { name });
  await box.fill(typed);
  await option.waitFor();
  await page.getByRole('option').nth(1).waitFor({ state: 'detached' });
  const isFocused = async () => {
    const [active, id] = [await box.getAttribute('aria-activedescendant'), await option.getAttribute('id')];
    return active !== null && active === id;
  };
  for (let tries = 0; tries < 50 && !(await isFocused()); tries++) {
    await box.press('ArrowDown');
    await sleep(50);
  }
  await box.press('Enter');
  for (let tries = 0; tries < 50 && (await box.inputValue()) !== name; tries++) await sleep(50);
  assert.equal(await box.inputValue(), name);
}

/** Writes `docs/images/<name>.png` if `VISAGE_SCREENSHOTS=1`; tests change no files without it. */
export async function screenshot(page: Page, name: string): Promise<void> {
  if (process.env.VISAGE_SCREENSHOTS !== '1') return;
  const folder = join(ROOT, 'docs/images');
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
