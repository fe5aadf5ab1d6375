import { existsSync, readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import { type Finding, ok, problem, warning } from './finding.ts';

const MIB = 1024 ** 2;

const BASE_BYTES = 512 * MIB;
/** As much again is in use during a copy. */
const FACE_BYTES = 1024;

const NEEDED_FLAGS = ['avx2', 'fma'];

export function checkProcessor(architecture: string, cpuinfo: string): Finding {
  if (architecture !== 'x64') return ok('processor', `${architecture}, no special instructions needed`);
  const flags = new Set(/^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(/\s+/));
  const missing = NEEDED_FLAGS.filter((flag) => !flags.has(flag));
  if (missing.length === 0) return ok('processor', 'supports AVX2 and FMA');
  return problem(
    'processor',
    `lacks ${missing.join(', ')}`,
    'Use a processor with AVX2 and FMA (x86-64-v3). In a virtual machine, pass the host CPU through ("host").',
  );
}

export function checkMemory(available: number, faces: number, isRunning: boolean): Finding {
  const needed = isRunning ? 256 * MIB : BASE_BYTES + faces * FACE_BYTES;
  const words = `${Math.floor(available / MIB)} MiB available`;
  if (available >= needed) return ok('memory', words);
  return warning(
    'memory',
    `${words}; ${faces} faces need about ${Math.ceil(needed / MIB)} MiB`,
    'Stop other programs or add memory: the index keeps all faces in memory.',
  );
}

export function availableMemory(): number {
  const text = existsSync('/proc/meminfo') ? readFileSync('/proc/meminfo', 'utf8') : '';
  const kibibytes = /^MemAvailable:\s+(\d+) kB/m.exec(text)?.[1];
  return Math.min(kibibytes === undefined ? freemem() : Number(kibibytes) * 1024, totalmem());
}

const EARLIEST = Date.UTC(2026, 0, 1);
const TOLERANCE_MS = 60_000;

/**
 * @param newest audit entry; null if none.
 * @param isSynchronised null if unknown.
 */
export function checkClock(now: number, newest: number | null, isSynchronised: boolean | null): Finding {
  const shown = new Date(now).toISOString();
  const advice =
    'Set the clock, for example with `timedatectl set-ntp true`: tokens and expiry dates depend on it.';
  if (now < EARLIEST) return problem('clock', `shows ${shown}, before the release of this version`, advice);
  if (newest !== null && newest > now + TOLERANCE_MS) {
    const last = new Date(newest).toISOString();
    return problem('clock', `shows ${shown}, but the newest audit entry is from ${last}`, advice);
  }
  if (isSynchronised === false) return warning('clock', `shows ${shown}, not synchronised`, advice);
  return ok('clock', `shows ${shown}`);
}

/** Null without systemd-timesyncd. */
export function clockIsSynchronised(): boolean | null {
  if (!existsSync('/run/systemd/timesync')) return null;
  return existsSync('/run/systemd/timesync/synchronized');
}
