/** A document for support, without secrets and personal data. */
import { arch, cpus, hostname, release, totalmem } from 'node:os';
import type { Finding } from './doctor/finding.ts';
import type { HistoryRecorder } from './history.ts';
import { impersonalSettings, impersonalText } from './impersonal.ts';
import type { SettingsInUse } from './settings-routes.ts';
import { type SystemSources, systemState } from './system-state.ts';
import { type RunningCommand, reasonOf } from './visagectl.ts';

/** Changes with the meaning of a field. */
const FORMAT = 1;
const DOCTOR_LIMIT_MS = 60_000;

export interface DiagnosisParts {
  readonly settings: () => SettingsInUse;
  readonly system: SystemSources;
  readonly history: HistoryRecorder;
  readonly doctor: () => RunningCommand;
  readonly metrics: () => Promise<string>;
}

async function findings({ doctor }: DiagnosisParts): Promise<readonly Finding[]> {
  const command = doctor();
  const limit = setTimeout(command.stop, DOCTOR_LIMIT_MS);
  const outcome = await command.outcome;
  clearTimeout(limit);
  try {
    return (JSON.parse(outcome.stdout) as { findings: readonly Finding[] }).findings;
  } catch {
    return [
      { check: 'doctor', level: 'warning', says: reasonOf(outcome), advice: 'Run `visagectl doctor`.' },
    ];
  }
}

async function document(parts: DiagnosisParts) {
  const names = [hostname(), hostname().split('.')[0] ?? ''];
  const text = (value: string) => impersonalText(value, names);
  const { hostname: _, attention, ...state } = await systemState(parts.system, parts.history);
  const checks = await findings(parts);
  return {
    format: FORMAT,
    createdAt: new Date(parts.system.now()).toISOString(),
    machine: {
      platform: `${process.platform} ${release()}`,
      architecture: arch(),
      processor: cpus()[0]?.model ?? 'unknown',
      processors: cpus().length,
      memoryBytes: totalmem(),
    },
    ...state,
    attention: attention.map((each) => ({ ...each, text: text(each.text), action: text(each.action) })),
    checks: checks.map(({ check, level, says, advice }) => {
      return { check, level, says: text(says), advice: advice && text(advice) };
    }),
    settings: impersonalSettings(parts.settings()),
    history: { hour: parts.history.points('hour'), day: parts.history.points('day') },
    metrics: (await parts.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#')),
  };
}

export type Diagnosis = Awaited<ReturnType<typeof document>>;

export class Diagnoser {
  readonly #parts: DiagnosisParts;
  #pending: Promise<Diagnosis> | null = null;

  constructor(parts: DiagnosisParts) {
    this.#parts = parts;
  }

  /** Concurrent calls share one document. */
  examine(): Promise<Diagnosis> {
    this.#pending ??= document(this.#parts).finally(() => {
      this.#pending = null;
    });
    return this.#pending;
  }
}
