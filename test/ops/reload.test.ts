import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pino } from 'pino';
import { type Config, configOf } from '../../src/config/config.ts';
import { readSettings, settingSources } from '../../src/config/load.ts';
import type { SettingValues } from '../../src/config/settings.ts';
import { Reloader } from '../../src/ops/reload.ts';

function begin(prepare: (config: Config) => () => void = () => () => {}) {
  const values = readSettings({});
  const state = {
    next: values as SettingValues,
    sources: settingSources({}),
    inForce: null as Config | null,
    told: [] as (string | null)[],
  };
  const reloader = new Reloader({
    values,
    read: () => state.next,
    readSources: () => state.sources,
    configOf,
    prepare: (config) => {
      const put = prepare(config);
      return () => {
        put();
        state.inForce = config;
      };
    },
    begun: () => {},
    ended: (status) => state.told.push(status),
    log: pino({ level: 'silent' }),
  });
  return { state, reloader, set: (some: Partial<SettingValues>) => (state.next = { ...values, ...some }) };
}

describe('A reload', () => {
  test('puts in force what it may, and keeps the rest as it was until a restart', () => {
    const { state, reloader, set } = begin();
    set({ log_level: 'debug', threads: 200, address_rate_limit: 7 });
    assert.deepEqual(reloader.reload(), {
      changed: ['address_rate_limit', 'log_level'],
      needRestart: ['threads'],
    });
    assert.deepEqual([state.inForce?.logLevel, state.inForce?.access.addressRateLimit], ['debug', 7]);
    assert.notEqual(state.inForce?.threads, 200);
    assert.deepEqual(reloader.reload(), { changed: [], needRestart: ['threads'] });
    set({});
    assert.deepEqual(reloader.reload().needRestart, []);
    assert.deepEqual(state.told.map(Boolean), [true, true, false]);
  });

  test('says of each value in force where it comes from', () => {
    const { state, reloader, set } = begin();
    set({ log_level: 'debug', threads: 200 });
    state.sources = { ...state.sources, log_level: 'environment', threads: 'file' };
    assert.equal(reloader.sources.log_level, 'default');
    reloader.reload();
    assert.deepEqual([reloader.sources.log_level, reloader.sources.threads], ['environment', 'default']);
  });

  test('changes nothing where anything is wrong, be it a setting that needs a restart', () => {
    const { state, reloader, set } = begin();
    set({ log_level: 'debug', tls_key: 'key.pem' });
    assert.throws(() => reloader.reload(), /tls_certificate: expected .* got nothing/);
    assert.equal(state.inForce, null);
    assert.match(String(state.told), /^Reload refused: .*tls_certificate/);
    set({ log_level: 'debug' });
    assert.deepEqual(reloader.reload().changed, ['log_level']);
  });

  test('changes nothing where what the settings lead to is wrong', () => {
    const { state, reloader, set } = begin(() => {
      throw new Error('The key is wrong.');
    });
    set({ log_level: 'debug' });
    reloader.tryReload();
    assert.equal(state.inForce, null);
    assert.deepEqual(state.told, ['Reload refused: The key is wrong.']);
  });
});
