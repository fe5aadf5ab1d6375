import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, test } from 'node:test';
import { ROOT } from '../../testing/service.ts';

function markdownIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(folder, file));
}

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  ...['docs', 'models', 'native', 'src', 'test'].flatMap(markdownIn),
];

const textOf = (page: string) => readFileSync(join(ROOT, page), 'utf8').replaceAll(/^```[\s\S]*?^```$/gm, '');

function anchorOf(heading: string): string {
  const words = heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '');
  return words.trim().replaceAll(' ', '-');
}

function anchorsOf(page: string): Set<string> {
  return new Set(Array.from(textOf(page).matchAll(/^#+ (.*)$/gm), (match) => anchorOf(match[1] as string)));
}

function linksOf(page: string): string[] {
  return Array.from(textOf(page).matchAll(/\]\(([^)\s]+)\)/g), (match) => match[1] as string).filter(
    (target) => !/^[a-z]+:/.test(target),
  );
}

function pathsOf(page: string): string[] {
  const path =
    /`((?:bench|docs|models|monitoring|native|packaging|scripts|src|systemd|test|testing|tools)\/[\w./-]*)`/g;
  return Array.from(textOf(page).matchAll(path), (match) => match[1] as string);
}

describe('Links', () => {
  for (const page of PAGES) {
    test(`of ${page} lead to files and headings`, () => {
      for (const link of linksOf(page)) {
        const [path = '', anchor] = link.split('#');
        const target = path === '' ? page : relative(ROOT, join(ROOT, dirname(page), path));
        assert.ok(existsSync(join(ROOT, target)), `${link}: no such file`);
        if (anchor) assert.ok(anchorsOf(target).has(anchor), `${link}: no such heading`);
      }
    });
  }

  for (const page of PAGES) {
    test(`and paths of ${page} exist`, () => {
      assert.deepEqual(
        pathsOf(page).filter((path) => !existsSync(join(ROOT, path))),
        [],
      );
    });
  }

  test('of docs/README.md reach every page', () => {
    const linked = new Set(linksOf('docs/README.md').map((link) => join('docs', link.split('#')[0] ?? '')));
    const missing = markdownIn('docs').filter((page) => page !== 'docs/README.md' && !linked.has(page));
    assert.deepEqual(missing, []);
  });
});
