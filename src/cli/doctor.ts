import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Finding, ok, problem } from '../appliance/doctor/finding.ts';
import { checkFolder } from '../appliance/doctor/folder.ts';
import {
  availableMemory,
  checkClock,
  checkMemory,
  checkProcessor,
  clockIsSynchronised,
} from '../appliance/doctor/machine.ts';
import { checkCertificates, checkDevice, checkModels } from '../appliance/doctor/parts.ts';
import type { Config } from '../config/config.ts';
import { ConfigError } from '../config/config-error.ts';
import { configFileOf, readSettings } from '../config/load.ts';
import { whyUnavailable } from '../native/device.ts';
import { EXIT } from '../ops/exit-codes.ts';
import { heldBySystemd } from '../ops/inherited-sockets.ts';
import { SECRET_FOLDERS } from '../store/backup.ts';
import type { PackId } from '../store/records.ts';
import { StoreReader } from '../store/store-reader.ts';
import {
  columns,
  command,
  configOf,
  DATA_OPTIONS,
  type DataOptions,
  environmentOf,
  JSON_OPTION,
  print,
} from './command.ts';
import { checkAddresses, checkSettings } from './doctor/service.ts';
import { serviceState } from './service-state.ts';

interface StoreFacts {
  readonly faces: number;
  readonly newest: number | null;
  readonly packs: readonly PackId[];
  readonly finding: Finding;
}

async function storeFacts({ dataDir }: Config): Promise<StoreFacts> {
  const nothing = { faces: 0, newest: null, packs: [] };
  if (!existsSync(join(dataDir, 'data.mdb'))) {
    return { ...nothing, finding: ok('store', 'does not exist yet; the first start creates it') };
  }
  try {
    const reader = StoreReader.open(dataDir);
    try {
      const { faces, collections, packs } = reader.summary();
      const finding = ok('store', `readable: ${faces} faces in ${collections} collections`);
      return { faces, newest: reader.newestEntry(), packs, finding };
    } finally {
      await reader.close();
    }
  } catch (error) {
    const advice = 'Stop the service and restore the newest backup: `visagectl restore BACKUP --replace`.';
    return { ...nothing, finding: problem('store', (error as Error).message, advice) };
  }
}

async function examine(options: DataOptions): Promise<Finding[]> {
  const environment = environmentOf(options);
  const config = configOf(options);
  const now = Date.now();
  const { dataDir } = config;
  const { service, device, shortfall, facts } = await serviceState(config);
  const isRunning = service !== 'stopped';
  const { faces, newest, packs, finding } = await storeFacts(config);
  const cpuinfo = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : '';
  return [
    ...checkSettings({ configFile: configFileOf(environment), settings: readSettings(environment) }, facts),
    ok(
      'service',
      isRunning ? `running, ${service}${shortfall === null ? '' : `: ${shortfall}`}` : 'not running',
    ),
    checkProcessor(process.arch, cpuinfo),
    checkMemory(availableMemory(), faces, isRunning),
    checkClock(now, newest, clockIsSynchronised()),
    ...(existsSync(dataDir)
      ? checkFolder(dataDir, SECRET_FOLDERS, now)
      : [ok('disk', `${dataDir} does not exist yet; the first start creates it`)]),
    finding,
    ...(await checkModels(config, packs)),
    checkDevice(config.device.choice, device, whyUnavailable),
    ...(isRunning && facts === null
      ? []
      : await checkAddresses(config, facts, isRunning ? [] : heldBySystemd())),
    ...checkCertificates(config, now),
  ];
}

const MARKS = { ok: 'ok', warning: 'WARNING', problem: 'PROBLEM' } as const;

export const doctor = command({
  name: 'doctor',
  summary: 'Check the machine, data folder, models and settings, and suggest fixes.',
  details: ['The exit code is 0 without problems (warnings are allowed), 69 with problems.'],
  options: { ...JSON_OPTION, ...DATA_OPTIONS },
  async run(values) {
    const findings = await examineWith(values);
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

async function examineWith(options: DataOptions): Promise<Finding[]> {
  try {
    return await examine(options);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [problem('settings', error.message, 'Correct the setting, then run `visagectl config check`.')];
  }
}
