export type Language = 'curl' | 'python' | 'typescript';

export interface SnippetCall {
  readonly origin: string;
  /** Null: no collection, so the call only detects. */
  readonly collectionId: string | null;
  readonly threshold: number;
  readonly maxResults: number;
  readonly fileName: string;
  readonly contentType: string;
}

const KEY = 'VISAGE_API_KEY';

function target({ origin, collectionId, threshold, maxResults }: SnippetCall): string {
  const query: Record<string, string> =
    collectionId === null
      ? { attributes: 'all' }
      : {
          collectionId,
          faceMatchThreshold: String(threshold),
          maxResults: String(maxResults),
          attributes: 'all',
        };
  return `${origin}/v1/face/${collectionId === null ? 'detect' : 'recognize'}?${new URLSearchParams(query)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export function snippet(language: Language, call: SnippetCall): string {
  const url = target(call);
  const { fileName, contentType } = call;
  if (language === 'curl') {
    return [
      `curl -X POST ${quoted(url)} \\`,
      `  -H "Authorization: ApiKey $${KEY}" \\`,
      `  -H 'Content-Type: ${contentType}' \\`,
      `  --data-binary ${quoted(`@${fileName}`)}`,
    ].join('\n');
  }
  const [path, file] = [JSON.stringify(url), JSON.stringify(fileName)];
  if (language === 'python') {
    return [
      'import os, requests',
      '',
      `with open(${file}, "rb") as image:`,
      '    answer = requests.post(',
      `        ${path},`,
      '        headers={',
      `            "Authorization": "ApiKey " + os.environ["${KEY}"],`,
      `            "Content-Type": "${contentType}",`,
      '        },',
      '        data=image,',
      '    )',
      'answer.raise_for_status()',
      'for face in answer.json()["faces"]:',
      call.collectionId === null
        ? '    print(face["boundingBox"], face["quality"])'
        : '    print(face["boundingBox"], face["matches"])',
    ].join('\n');
  }
  return [
    "import { readFile } from 'node:fs/promises';",
    '',
    `const answer = await fetch(${path}, {`,
    "  method: 'POST',",
    '  headers: {',
    `    Authorization: \`ApiKey \${process.env.${KEY}}\`,`,
    `    'Content-Type': '${contentType}',`,
    '  },',
    `  body: await readFile(${file}),`,
    '});',
    'if (!answer.ok) throw new Error(await answer.text());',
    'const { faces } = await answer.json();',
    call.collectionId === null
      ? 'for (const { boundingBox, quality } of faces) console.log(boundingBox, quality);'
      : 'for (const { boundingBox, matches } of faces) console.log(boundingBox, matches);',
  ].join('\n');
}
