/** What a person who started the service by hand reads first. */
import { relative } from 'node:path';

export interface GreetingParts {
  readonly version: string;
  readonly url: string;
  /** HTTPS, where it is served. */
  readonly secure: { readonly url: string; readonly fingerprint: string } | null;
  readonly dataDir: string;
  /** Null where there is an owner. */
  readonly setupCode: string | null;
}

/** The address, a key, a call that works. */
export function greeting({ version, url, secure, dataDir, setupCode }: GreetingParts): string {
  const folder = relative(process.cwd(), dataDir) === 'data' ? '' : ` --data-dir '${dataDir}'`;
  const tls = secure && `  over TLS at ${secure.url}  (certificate: SHA-256 ${secure.fingerprint})\n`;
  const code =
    setupCode && `\n  There is no owner yet. The set-up code, until the next start: ${setupCode}\n`;
  return `
Visage ${version} serves at ${url}  (documentation: ${url}/swagger)
${tls ?? ''}
  KEY=$(bin/visagectl keys create --name first${folder})
  curl -H "Authorization: ApiKey $KEY" ${url}/v1/collection/get-all
${code ?? ''}
`;
}
