import { IMAGE_EXTENSIONS, IMAGE_TYPES, type PickedFile } from '../../ui/images.ts';

const MAX_KEY_LENGTH = 512;
const MAX_IMAGE_BYTES = 10_000_000;

export type NameSource = 'folder' | 'file';

export interface NameRules {
  readonly source: NameSource;
  readonly isPlain: boolean;
  /** Leaves out a number at the end of a file name: `anna_02.jpg` is `anna`. */
  readonly dropsNumber: boolean;
}

export type FileProblem = 'type' | 'size' | 'empty';
export type NameProblem = 'missing' | 'space' | 'characters' | 'long';

export interface PlannedFile extends PickedFile {
  readonly externalKey: string;
  readonly problem: FileProblem | NameProblem | null;
}

const EXTENSIONS = /\.(jpe?g|png|webp|bmp|gif)$/i;
const HIDDEN = /(^|\/)(\.|Thumbs\.db$|desktop\.ini$|__MACOSX\/)/i;

const SPELLINGS: Readonly<Record<string, string>> = {
  ß: 'ss',
  ẞ: 'SS',
  æ: 'ae',
  Æ: 'AE',
  œ: 'oe',
  Œ: 'OE',
  ø: 'o',
  Ø: 'O',
  đ: 'd',
  Đ: 'D',
  ł: 'l',
  Ł: 'L',
  ı: 'i',
};

function plainName(name: string): string {
  return name
    .trim()
    .replace(/[ßẞæÆœŒøØđĐłŁı]/g, (letter) => SPELLINGS[letter] ?? letter)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/\s+/g, '_');
}

/** Why a text is no external key: 1 to 512 printable ASCII characters without spaces. */
export function problemOfName(name: string): NameProblem | null {
  if (name === '') return 'missing';
  if (/\s/.test(name)) return 'space';
  if (!/^[\x21-\x7e]+$/.test(name)) return 'characters';
  return name.length > MAX_KEY_LENGTH ? 'long' : null;
}

function problemOfFile({ file, path }: PickedFile): FileProblem | null {
  const hasExtension =
    EXTENSIONS.test(path) || IMAGE_EXTENSIONS.some((extension) => path.toLowerCase().endsWith(extension));
  const isImage = /^(image\/|application\/octet-stream$|$)/.test(file.type) && hasExtension;
  if (!isImage && !IMAGE_TYPES.includes(file.type)) return 'type';
  if (file.size === 0) return 'empty';
  return file.size > MAX_IMAGE_BYTES ? 'size' : null;
}

function nameOf(path: string, { source, dropsNumber }: NameRules): string {
  const parts = path.split('/');
  if (source === 'folder') return parts.at(-2) ?? '';
  const name = (parts.at(-1) ?? '').replace(/\.[^.]*$/, '');
  return dropsNumber ? name.replace(/[\s_-]*(\(\d+\)|\d+)$/, '') || name : name;
}

export function guessedSource(files: readonly PickedFile[]): NameSource {
  const folders = new Set(files.map(({ path }) => path.slice(0, path.lastIndexOf('/') + 1)));
  folders.delete('');
  return folders.size > 1 ? 'folder' : 'file';
}

export function planFiles(files: readonly PickedFile[], rules: NameRules): PlannedFile[] {
  return files
    .filter(({ path }) => !HIDDEN.test(path))
    .map((picked) => {
      const name = nameOf(picked.path, rules);
      const externalKey = rules.isPlain ? plainName(name) : name;
      return { ...picked, externalKey, problem: problemOfFile(picked) ?? problemOfName(externalKey) };
    });
}

export function planForPerson(files: readonly PickedFile[], externalKey: string): PlannedFile[] {
  return files.map((picked) => ({ ...picked, externalKey, problem: problemOfFile(picked) }));
}
