/** The machine: processor, memory, clock. */
import { existsSync, readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import { type Finding, ok, problem, warning } from './finding.ts';

const MIB = 1024 ** 2;

/** The service without faces, its networks loaded, with room for pictures at work. */
const BASE_BYTES = 512 * MIB;
/** A template in the index: 512 floats, and what is kept beside them. */
const FACE_BYTES = 2.5 * 1024;

/** Instructions that the addon is compiled for on x86-64. */
const NEEDED_FLAGS = ['avx2', 'fma'];

/** @param cpuinfo the text of `/proc/cpuinfo`. */
export function checkProcessor(architecture: string, cpuinfo: string): Finding {
  if (architecture !== 'x64') return ok('processor', `${architecture}, which needs no special instructions`);
  const flags = new Set(/^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(/\s+/));
  const missing = NEEDED_FLAGS.filter((flag) => !flags.has(flag));
  if (missing.length === 0) return ok('processor', 'has AVX2 and FMA');
  return problem(
    'processor',
    `has no ${missing.join(', ')}`,
    'Use a processor with AVX2 and FMA (x86-64-v3); in a virtual machine pass the CPU through as it is ("host").',
  );
}

/** @param available bytes that a program may take; @param faces that the store holds. */
export function checkMemory(available: number, faces: number, isRunning: boolean): Finding {
  const needed = isRunning ? 256 * MIB : BASE_BYTES + faces * FACE_BYTES;
  const words = `${Math.floor(available / MIB)} MiB are available`;
  if (available >= needed) return ok('memory', words);
  return warning(
    'memory',
    `${words}, and about ${Math.ceil(needed / MIB)} MiB are wanted for ${faces} faces`,
    'Stop other programs, or add memory: the index of all faces is in memory.',
  );
}

export function availableMemory(): number {
  const text = existsSync('/proc/meminfo') ? readFileSync('/proc/meminfo', 'utf8') : '';
  const kibibytes = /^MemAvailable:\s+(\d+) kB/m.exec(text)?.[1];
  return Math.min(kibibytes === undefined ? freemem() : Number(kibibytes) * 1024, totalmem());
}

/** Built later than this; a clock before it is wrong. */
const EARLIEST = Date.UTC(2026, 0, 1);
const TOLERANCE_MS = 60_000;

/**
 * @param newest of the audit log's entries, milliseconds since 1970; null where there is none.
 * @param isSynchronised null where that cannot be told.
 */
export function checkClock(now: number, newest: number | null, isSynchronised: boolean | null): Finding {
  const shown = new Date(now).toISOString();
  const advice = 'Set the clock, such as with `timedatectl set-ntp true`: tokens and expiry depend on it.';
  if (now < EARLIEST) return problem('clock', `says ${shown}, which cannot be`, advice);
  if (newest !== null && newest > now + TOLERANCE_MS) {
    const last = new Date(newest).toISOString();
    return problem('clock', `says ${shown}, but the audit log has an entry of ${last}`, advice);
  }
  if (isSynchronised === false) return warning('clock', `says ${shown} and is not synchronised`, advice);
  return ok('clock', `says ${shown}`);
}

/** Whether a time service has set the clock; null where systemd does not run or another service may. */
export function clockIsSynchronised(): boolean | null {
  if (!existsSync('/run/systemd/timesync')) return null;
  return existsSync('/run/systemd/timesync/synchronized');
}
