/** What the service needs beside the machine: models, addresses, a certificate. */
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import type { DeviceChoice } from '../../config/device-settings.ts';
import type { Config } from '../../config/settings.ts';
import type { Provider } from '../../native/device.ts';
import { openModelPack } from '../../vision/model-pack.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

const DAY_MS = 86_400_000;
const EXPIRY_NOTICE_DAYS = 21;
const CONNECT_LIMIT_MS = 2000;

export async function checkModels({ modelPack, extraModelPacks }: Config): Promise<Finding[]> {
  return Promise.all(
    [modelPack, ...extraModelPacks].map(async (name) => {
      try {
        const pack = await openModelPack(name);
        return ok('models', `${pack.name} ${pack.version}: every file is as its manifest says`);
      } catch (error) {
        return problem(
          'models',
          (error as Error).message,
          'Fetch the files again, or install the package again.',
        );
      }
    }),
  );
}

/**
 * @param inUse what runs the networks of the service; null where it is not ready.
 * @param whyUnavailable as that of `native/device.ts`; not asked about the CPU.
 */
export function checkDevice(
  choice: DeviceChoice,
  inUse: string | null,
  whyUnavailable: (provider: Provider) => string | null,
): Finding {
  const setting = `the setting is ${choice}`;
  if (inUse !== null) return ok('device', `the networks run on ${inUse}; ${setting}`);
  if (choice === 'cpu') return ok('device', setting);
  try {
    const why = whyUnavailable(choice === 'auto' ? 'cuda' : choice);
    if (why === null) return ok('device', `${setting}, and the provider libraries load`);
    if (choice === 'auto') return ok('device', `${setting}, which here means the CPU: ${why}`);
    return problem('device', `${setting}, but ${why}`, 'Put them in place, or set device to auto or cpu.');
  } catch (error) {
    return problem('device', (error as Error).message, 'Install the package again.');
  }
}

interface Address {
  readonly setting: string;
  readonly host: string;
  readonly port: number;
}

/** Whether somebody listens at an address. */
function isHeld({ host, port }: Address): Promise<boolean> {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return new Promise((resolve) => {
    const socket = connect({ host: reachable, port, timeout: CONNECT_LIMIT_MS });
    const end = (held: boolean) => {
      socket.destroy();
      resolve(held);
    };
    socket
      .once('connect', () => end(true))
      .once('error', () => end(false))
      .once('timeout', () => end(false));
  });
}

/** Why an address cannot be listened at; null where it can. */
function whyNot({ host, port }: Address): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'unknown'));
    server.listen({ host, port }, () => server.close(() => resolve(null)));
  });
}

const REASONS: Readonly<Record<string, [says: string, advice: string]>> = {
  EADDRINUSE: ['another program listens there', 'Find it with `ss -ltnp`, or set another port.'],
  EACCES: ['this user may not listen there', 'Use a port from 1024 on, or the socket unit.'],
  EADDRNOTAVAIL: ['this machine has no such address', 'Set an address that `ip address` shows, or 0.0.0.0.'],
};

/** @param isRunning whether the service answers on its admin socket. */
export async function checkAddresses(config: Config, isRunning: boolean): Promise<Finding[]> {
  const addresses: Address[] = [{ setting: 'listen', ...config.listen }];
  if (config.tls.listen) addresses.push({ setting: 'tls_listen', ...config.tls.listen });
  if (config.metricsListen) addresses.push({ setting: 'metrics_listen', ...config.metricsListen });
  return Promise.all(
    addresses
      .filter(({ port }) => port !== 0)
      .map(async (address) => {
        const name = `${address.setting} ${address.host}:${address.port}`;
        if (isRunning) {
          if (await isHeld(address)) return ok('ports', `${name}: the service listens`);
          return problem(
            'ports',
            `${name}: the service runs, but nobody listens there`,
            'Restart it: systemctl restart visage.',
          );
        }
        const code = await whyNot(address);
        if (code === null) return ok('ports', `${name} is free`);
        const [says, advice] = REASONS[code] ?? [code, 'Set another address.'];
        return problem('ports', `${name}: ${says}`, advice);
      }),
  );
}

/** @param pem of the certificate; @param now milliseconds since 1970. */
export function checkCertificate(pem: string, now: number): Finding {
  const { validFrom, validTo } = new X509Certificate(pem);
  const days = Math.floor((Date.parse(validTo) - now) / DAY_MS);
  const advice = 'Put a new certificate in its place, then `visagectl reload`.';
  if (days < 0) return problem('certificate', `has expired on ${validTo}`, advice);
  if (Date.parse(validFrom) > now) {
    return problem(
      'certificate',
      `is not valid before ${validFrom}`,
      'Look at the clock, or put another one in its place.',
    );
  }
  if (days < EXPIRY_NOTICE_DAYS) return warning('certificate', `expires in ${days} days`, advice);
  return ok('certificate', `is valid until ${validTo}`);
}

/** The certificate of the settings, or the one that the service made; nothing where there is no HTTPS. */
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
        `${file} cannot be read (${code ?? message})`,
        'Set tls_certificate to a PEM file that the service may read.',
      ),
    ];
  }
}
