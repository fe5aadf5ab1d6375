import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DEFAULT_PACK = fileURLToPath(new URL('../../models/faceplugin/', import.meta.url));

/** The default pack under another name, in a folder of its own. */
export function secondPack(name = 'second'): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'visage-pack-'));
  cpSync(DEFAULT_PACK, folder, { recursive: true });
  const manifest = join(folder, 'manifest.json');
  writeFileSync(manifest, JSON.stringify({ ...JSON.parse(readFileSync(manifest, 'utf8')), name }));
  return { folder, remove: () => rmSync(folder, { recursive: true }) };
}
