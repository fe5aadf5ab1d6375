import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../config/config-error.ts';
import type { Config } from '../config/settings.ts';
import { whyUnavailable } from '../native/device.ts';
import { EXIT } from '../ops/exit-codes.ts';
import { SECRET_FOLDERS } from '../store/backup.ts';
import { StoreReader } from '../store/store-reader.ts';
import { columns, command, configOf, DATA_OPTIONS, JSON_OPTION, print } from './command.ts';
import { type Finding, ok, problem } from './doctor/finding.ts';
import { checkFolder } from './doctor/folder.ts';
import {
  availableMemory,
  checkClock,
  checkMemory,
  checkProcessor,
  clockIsSynchronised,
} from './doctor/machine.ts';
import { checkAddresses, checkCertificates, checkDevice, checkModels } from './doctor/service.ts';
import { serviceState } from './status.ts';

interface StoreFacts {
  readonly faces: number;
  readonly newest: number | null;
  readonly finding: Finding;
}

async function storeFacts({ dataDir }: Config): Promise<StoreFacts> {
  const nothing = { faces: 0, newest: null };
  if (!existsSync(join(dataDir, 'data.mdb'))) {
    return { ...nothing, finding: ok('store', 'there is none yet: the first start makes it') };
  }
  try {
    const reader = StoreReader.open(dataDir);
    try {
      const { faces, collections } = reader.summary();
      const finding = ok('store', `opens; ${faces} faces in ${collections} collections`);
      return { faces, newest: reader.newestEntry(), finding };
    } finally {
      await reader.close();
    }
  } catch (error) {
    const advice = 'Stop the service and restore the newest backup: visagectl restore BACKUP --replace.';
    return { ...nothing, finding: problem('store', (error as Error).message, advice) };
  }
}

async function examine(config: Config): Promise<Finding[]> {
  const now = Date.now();
  const { dataDir } = config;
  const { service, device, shortfall } = await serviceState(config);
  const isRunning = service !== 'stopped';
  const { faces, newest, finding } = await storeFacts(config);
  const cpuinfo = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : '';
  return [
    ok('settings', 'are in order'),
    ok(
      'service',
      isRunning ? `runs and is ${service}${shortfall === null ? '' : `: ${shortfall}`}` : 'does not run',
    ),
    checkProcessor(process.arch, cpuinfo),
    checkMemory(availableMemory(), faces, isRunning),
    checkClock(now, newest, clockIsSynchronised()),
    ...(existsSync(dataDir)
      ? checkFolder(dataDir, SECRET_FOLDERS, now)
      : [ok('disk', `${dataDir} is made by the first start`)]),
    finding,
    ...(await checkModels(config)),
    checkDevice(config.device.choice, device, whyUnavailable),
    ...(await checkAddresses(config, isRunning)),
    ...checkCertificates(config, now),
  ];
}

const MARKS = { ok: 'ok', warning: 'WARNING', problem: 'PROBLEM' } as const;

export const doctor = command({
  name: 'doctor',
  summary: 'Look at the machine, the data folder, models and settings, and say what to do.',
  details: ['The exit code is 0 if there is no problem (there may be warnings), 69 if there is one.'],
  options: { ...JSON_OPTION, ...DATA_OPTIONS },
  async run(values) {
    const findings = await examineWith(() => configOf(values));
    const isHealthy = findings.every(({ level }) => level !== 'problem');
    print({ healthy: isHealthy, findings }, values.json, () =>
      findings
        .map(({ check, level, says, advice }) => {
          const line = columns([[MARKS[level].padEnd(7), check.padEnd(11), says]]);
          return advice === null ? line : `${line}${' '.repeat(22)}${advice}\n`;
        })
        .join(''),
    );
    if (!isHealthy) process.exitCode = EXIT.unavailable;
  },
});

async function examineWith(read: () => Config): Promise<Finding[]> {
  try {
    return await examine(read());
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [
      problem('settings', error.message, 'Mend it; `visagectl config check` says whether it is right.'),
    ];
  }
}
