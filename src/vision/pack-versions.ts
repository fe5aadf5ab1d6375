import { type ModelPack, openModelPack, openModelPacks } from './model-pack.ts';

export interface PackVersion {
  readonly pack: string;
  readonly packVersion: string;
}

export interface ServedPacks {
  /** One version of each pack: configured packs in their order, then used ones. */
  readonly newest: readonly ModelPack[];
  readonly older: readonly ModelPack[];
}

/**
 * @param configured names or paths, the default first.
 * @param used versions of stored faces. Serves used packs of the models folder without a setting.
 * @param onFault takes each used version that cannot be opened.
 * @throws Error as `openModelPacks` for a configured pack.
 */
export async function openServedPacks(
  configured: readonly string[],
  used: readonly PackVersion[],
  onFault: (fault: PackVersion & { readonly reason: string }) => void,
): Promise<ServedPacks> {
  const newest = await openModelPacks(configured);
  const places = new Map(newest.map(({ name, folder }) => [name, folder]));
  const older: ModelPack[] = [];
  for (const { pack, packVersion } of used) {
    try {
      if (!places.has(pack)) {
        const found = await openInstalled(pack);
        newest.push(found);
        places.set(pack, found.folder);
      }
      if (newest.some(({ name, version }) => name === pack && version === packVersion)) continue;
      const found = await openModelPack(places.get(pack) as string, packVersion);
      if (found.similarity === null) throw new Error('It has no similarity scale.');
      older.push(found);
    } catch (error) {
      onFault({ pack, packVersion, reason: (error as Error).message });
    }
  }
  return { newest, older };
}

async function openInstalled(name: string): Promise<ModelPack> {
  // A name with a slash would be a path.
  if (name.includes('/')) throw new Error(`There is no model pack "${name}".`);
  const pack = await openModelPack(name);
  if (pack.name !== name) throw new Error(`The folder ${pack.folder} holds the model pack ${pack.name}.`);
  if (pack.similarity === null) throw new Error('It has no similarity scale.');
  return pack;
}
