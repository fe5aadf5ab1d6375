import { VisageError } from '../errors.ts';
import type { Log } from '../ops/log.ts';
import { type Outcome, type RunningCommand, reasonOf } from './visagectl.ts';

export interface BackupState {
  readonly state: 'none' | 'running' | 'succeeded' | 'failed';
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly bytes: number | null;
  readonly detail: string | null;
}

export interface BackupJobParts {
  /** Null without `backup_dir`. */
  readonly target: () => { readonly folder: string; readonly keep: number } | null;
  readonly start: (args: readonly string[]) => RunningCommand;
  readonly now: () => number;
  readonly log: Log;
}

const NONE: BackupState = { state: 'none', startedAt: null, endedAt: null, bytes: null, detail: null };

function bytesOf(stdout: string): number | null {
  try {
    const { files } = JSON.parse(stdout) as { files: readonly { readonly bytes: number }[] };
    return files.reduce((sum, { bytes }) => sum + bytes, 0);
  } catch {
    return null;
  }
}

export class BackupJob {
  readonly #parts: BackupJobParts;
  #state = NONE;
  #running: RunningCommand | null = null;

  constructor(parts: BackupJobParts) {
    this.#parts = parts;
  }

  get state(): BackupState {
    return this.#state;
  }

  get failure(): string | null {
    return this.#state.state === 'failed' ? this.#state.detail : null;
  }

  /**
   * Does nothing while a backup runs.
   * @throws `VALIDATION_FAILED` without `backup_dir`.
   */
  start(): BackupState {
    const { target, start, now, log } = this.#parts;
    if (this.#running) return this.#state;
    const place = target();
    if (place === null) {
      throw new VisageError(
        'VALIDATION_FAILED',
        'The setting backup_dir names no folder. Set it in the settings file, then run `visagectl reload`.',
      );
    }
    this.#state = { ...NONE, state: 'running', startedAt: now() };
    this.#running = start(['backup', '--to', place.folder, '--keep', String(place.keep), '--json']);
    void this.#running.outcome.then((outcome) => {
      this.#running = null;
      this.#state = this.#ended(outcome);
      const { state, detail, bytes } = this.#state;
      if (state === 'failed') log.error({ reason: detail }, 'the backup failed');
      else log.info({ bytes }, 'backup made');
    });
    return this.#state;
  }

  #ended(outcome: Outcome): BackupState {
    const ended = { startedAt: this.#state.startedAt, endedAt: this.#parts.now() };
    const bytes = bytesOf(outcome.stdout);
    if (outcome.code === 0) return { ...ended, state: 'succeeded', bytes, detail: null };
    return { ...ended, state: 'failed', bytes, detail: reasonOf(outcome) };
  }

  /** Older backups stay. */
  async close(): Promise<void> {
    this.#running?.stop();
    await this.#running?.outcome;
  }
}
