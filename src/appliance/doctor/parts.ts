import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config, DeviceChoice } from '../../config/config.ts';
import type { Provider } from '../../native/device.ts';
import { type ModelPack, openModelPack } from '../../vision/model-pack.ts';
import { openServedPacks, type PackVersion } from '../../vision/pack-versions.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

const DAY_MS = 86_400_000;
const EXPIRY_NOTICE_DAYS = 21;

/** @param used versions of stored faces. */
export async function checkModels(
  { modelPack, extraModelPacks }: Config,
  used: readonly PackVersion[] = [],
): Promise<Finding[]> {
  const configured = [modelPack, ...extraModelPacks];
  const findings: Finding[] = [];
  const sound: string[] = [];
  for (const name of configured) {
    try {
      const pack = await openModelPack(name);
      sound.push(name);
      findings.push(ok('models', `${pack.name} ${pack.version}: every file matches its manifest`));
    } catch (error) {
      findings.push(
        problem('models', (error as Error).message, 'Fetch the model files again or reinstall the package.'),
      );
    }
  }
  if (sound.length < configured.length) return findings;
  const faults: Finding[] = [];
  const { newest, older } = await openServedPacks(configured, used, ({ pack, packVersion, reason }) =>
    faults.push(
      problem(
        'models',
        `collections of ${pack} ${packVersion} cannot be used: ${reason}`,
        `Install that version (models/${pack}/versions/${packVersion}.json) and restart, or reset the collections.`,
      ),
    ),
  );
  const served = [...newest.slice(configured.length), ...older];
  const isUsed = ({ name, version }: ModelPack) =>
    used.some(({ pack, packVersion }) => pack === name && packVersion === version);
  const says = ({ name, version }: ModelPack) =>
    ok('models', `${name} ${version} serves collections; move them with \`visagectl models migrate\``);
  return [...findings, ...served.filter(isUsed).map(says), ...faults];
}

/** @param inUse null if the service is not ready. */
export function checkDevice(
  choice: DeviceChoice,
  inUse: string | null,
  whyUnavailable: (provider: Provider) => string | null,
): Finding {
  const setting = `device is set to ${choice}`;
  if (inUse !== null) return ok('device', `networks run on ${inUse}; ${setting}`);
  if (choice === 'cpu') return ok('device', setting);
  try {
    const why = whyUnavailable(choice === 'auto' ? 'cuda' : choice);
    if (why === null) return ok('device', `${setting}, and the provider libraries load`);
    if (choice === 'auto') return ok('device', `${setting} and selects the CPU: ${why}`);
    return problem(
      'device',
      `${setting}, but ${why}`,
      'Install the missing libraries, or set device to auto or cpu.',
    );
  } catch (error) {
    return problem('device', (error as Error).message, 'Reinstall the package.');
  }
}

export function checkCertificate(pem: string, now: number): Finding {
  const { validFrom, validTo } = new X509Certificate(pem);
  const days = Math.floor((Date.parse(validTo) - now) / DAY_MS);
  const advice = 'Replace the certificate, then run `visagectl reload`.';
  if (days < 0) return problem('certificate', `expired on ${validTo}`, advice);
  if (Date.parse(validFrom) > now) {
    return problem(
      'certificate',
      `not valid before ${validFrom}`,
      'Check the clock, or replace the certificate.',
    );
  }
  if (days < EXPIRY_NOTICE_DAYS) return warning('certificate', `expires in ${days} days`, advice);
  return ok('certificate', `valid until ${validTo}`);
}

export function checkCertificates({ tls, dataDir }: Config, now: number): Finding[] {
  const made = join(dataDir, 'tls', 'self-signed.pem');
  const file = tls.files?.certificate ?? (existsSync(made) ? made : null);
  if (file === null || (!tls.files && !tls.listen)) return [];
  try {
    return [checkCertificate(readFileSync(file, 'utf8'), now)];
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return [
      problem(
        'certificate',
        `cannot read ${file} (${code ?? message})`,
        'Set tls_certificate to a PEM file that the service can read.',
      ),
    ];
  }
}
