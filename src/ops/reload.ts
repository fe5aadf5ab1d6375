import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/config.ts';
import type { SettingSources } from '../config/load.ts';
import { LIVE_SETTINGS, SETTING_NAMES, type SettingName, type SettingValues } from '../config/settings.ts';
import type { Log } from './log.ts';

export interface ReloadReport {
  readonly changed: readonly SettingName[];
  readonly needRestart: readonly SettingName[];
}

export interface ReloaderOptions {
  readonly values: SettingValues;
  /** @throws ConfigError. */
  readonly readSources: () => SettingSources;
  /** @throws ConfigError. */
  readonly read: () => SettingValues;
  /** @throws ConfigError if the values contradict each other. */
  readonly configOf: (values: SettingValues) => Config;
  /**
   * @returns a function that cannot fail.
   * @throws Error.
   */
  readonly prepare: (config: Config) => () => void;
  /** `status` is a sentence. */
  readonly begun: () => void;
  readonly ended: (status: string | null) => void;
  readonly log: Log;
}

export class Reloader {
  readonly #options: ReloaderOptions;
  #values: SettingValues;
  #sources: SettingSources;
  #needRestart: readonly SettingName[] = [];

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#values = options.values;
    this.#sources = options.readSources();
  }

  get values(): SettingValues {
    return this.#values;
  }

  get needRestart(): readonly SettingName[] {
    return this.#needRestart;
  }

  get sources(): SettingSources {
    return this.#sources;
  }

  /** @throws Error; then nothing has changed. */
  reload(): ReloadReport {
    const { log, begun, ended } = this.#options;
    begun();
    try {
      const report = this.#apply();
      const { changed, needRestart } = report;
      log.info({ changed }, 'settings reloaded');
      if (needRestart.length > 0) log.warn({ needRestart }, 'restart needed to apply settings');
      ended(needRestart.length > 0 ? `Restart needed to apply: ${needRestart.join(', ')}` : null);
      return report;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.error({ reason }, 'reload refused, keeping the current settings');
      ended(`Reload refused: ${reason}`);
      throw error;
    }
  }

  tryReload(): void {
    try {
      this.reload();
    } catch {
      // `reload` has logged the error.
    }
  }

  #apply(): ReloadReport {
    const { read, readSources, configOf, prepare } = this.#options;
    const next = read();
    const sources = readSources();
    // Includes settings that need a restart, or the next start fails.
    configOf(next);
    const other = SETTING_NAMES.filter((name) => !isDeepStrictEqual(next[name], this.#values[name]));
    const changed = other.filter((name) => LIVE_SETTINGS.has(name));
    const values: SettingValues = {
      ...this.#values,
      ...Object.fromEntries(changed.map((name) => [name, next[name]])),
    };
    prepare(configOf(values))();
    this.#values = values;
    const live = [...LIVE_SETTINGS].map((name) => [name, sources[name]]);
    this.#sources = { ...this.#sources, ...Object.fromEntries(live) };
    this.#needRestart = other.filter((name) => !LIVE_SETTINGS.has(name));
    return { changed, needRestart: this.#needRestart };
  }
}
