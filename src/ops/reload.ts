/** New settings without a restart: all that a reload may change, or nothing. */
import { isDeepStrictEqual } from 'node:util';
import type { SettingValues } from '../config/load.ts';
import { type Config, LIVE_SETTINGS, SETTING_NAMES, type SettingName } from '../config/settings.ts';
import type { Log } from './log.ts';

/** What came of a reload. */
export interface ReloadReport {
  /** Settings that are other than before, and in force now. */
  readonly changed: readonly SettingName[];
  /** Settings that are other than those in force, which they take the place of with the next start. */
  readonly needRestart: readonly SettingName[];
}

export interface ReloaderOptions {
  /** Those in force. */
  readonly values: SettingValues;
  /** Reads them again. @throws ConfigError. */
  readonly read: () => SettingValues;
  /** @throws ConfigError where they do not go together. */
  readonly configOf: (values: SettingValues) => Config;
  /**
   * Checks all that the settings lead to, such as the certificate's files.
   * @returns what puts them in force and cannot fail. @throws Error in words for the operator.
   */
  readonly prepare: (config: Config) => () => void;
  /** Called before and after, also when the reload was refused; `status` is a sentence. */
  readonly begun: () => void;
  readonly ended: (status: string | null) => void;
  readonly log: Log;
}

/** Reads the settings again when it is asked to. */
export class Reloader {
  readonly #options: ReloaderOptions;
  #values: SettingValues;

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#values = options.values;
  }

  /**
   * Puts the settings in force as they are written now. A certificate is read again even if its path is the same.
   * @throws Error that says what is wrong; then nothing has changed.
   */
  reload(): ReloadReport {
    const { log, begun, ended } = this.#options;
    begun();
    try {
      const report = this.#apply();
      const { changed, needRestart } = report;
      log.info({ changed }, 'the settings were read again');
      if (needRestart.length > 0) log.warn({ needRestart }, 'changed and needs a restart');
      ended(needRestart.length > 0 ? `Changed and needs a restart: ${needRestart.join(', ')}` : null);
      return report;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.error({ reason }, 'the reload was refused: the settings before it stay in force');
      ended(`Reload refused: ${reason}`);
      throw error;
    }
  }

  /** As {@link reload} where nobody waits for the outcome: the log and the status have it. */
  tryReload(): void {
    try {
      this.reload();
    } catch {
      // Told already.
    }
  }

  #apply(): ReloadReport {
    const { read, configOf, prepare } = this.#options;
    const next = read();
    // Also what needs a restart must be right: the next start would fail with it.
    configOf(next);
    const other = SETTING_NAMES.filter((name) => !isDeepStrictEqual(next[name], this.#values[name]));
    const changed = other.filter((name) => LIVE_SETTINGS.has(name));
    const values: SettingValues = {
      ...this.#values,
      ...Object.fromEntries(changed.map((name) => [name, next[name]])),
    };
    prepare(configOf(values))();
    this.#values = values;
    return { changed, needRestart: other.filter((name) => !LIVE_SETTINGS.has(name)) };
  }
}
