import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Manifest } from '../src/vision/manifest.ts';

const ORIGINAL = fileURLToPath(new URL('../../models/faceplugin/', import.meta.url));

export const OLD_VERSION = '0.9';

export function secondPack(
  name = 'second',
  change: (manifest: Manifest) => Partial<Manifest> = () => ({}),
): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'visage-pack-'));
  cpSync(ORIGINAL, folder, { recursive: true });
  const file = join(folder, 'manifest.json');
  const manifest = { ...JSON.parse(readFileSync(file, 'utf8')), name };
  const newest = { ...manifest, ...change(manifest) };
  writeFileSync(file, JSON.stringify(newest));
  const versions = join(folder, 'versions');
  mkdirSync(versions, { recursive: true });
  for (const version of newest.version === manifest.version ? [] : [manifest.version, OLD_VERSION]) {
    writeFileSync(join(versions, `${version}.json`), JSON.stringify({ ...manifest, version }));
  }
  return { folder, remove: () => rmSync(folder, { recursive: true }) };
}
