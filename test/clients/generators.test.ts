import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { portrait } from '../../testing/photographs.ts';
import { ROOT, type Service, startService } from '../../testing/service.ts';

const PACKAGES = join(ROOT, 'build/clients');
const DRIVERS = join(ROOT, 'test/clients/drivers');
const DOCUMENT = join(ROOT, 'docs/openapi.json');

/** Orval wrote 1,076 files while the answers shared no schemas. */
const MOST_FILES = 500;

let service: Service;
let key: string;
let folder: string;

/** @throws Error with the program's output if it fails. */
async function tool(name: string, args: readonly string[], cwd = folder): Promise<string> {
  const program = join(PACKAGES, 'node_modules/.bin', name);
  // The linters look for newer versions, and report their use, unless told otherwise.
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
  return run(program, args, { cwd, env });
}

async function run(
  program: string,
  args: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, args, { ...options, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}${stderr}`);
  }
}

function project(name: string): string {
  const own = join(folder, name);
  mkdirSync(own);
  symlinkSync(join(PACKAGES, 'node_modules'), join(own, 'node_modules'));
  cpSync(join(DRIVERS, `${name}.ts`), join(own, 'driver.ts'));
  cpSync(join(DRIVERS, 'setting.ts'), join(own, 'setting.ts'));
  writeFileSync(join(own, 'package.json'), '{ "type": "module" }');
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    strict: true,
    skipLibCheck: true,
    outDir: 'dist',
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
    lib: ['es2022', 'dom', 'dom.iterable'],
  };
  writeFileSync(join(own, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['driver.ts'] }));
  return own;
}

async function drive(own: string): Promise<Record<string, unknown>> {
  await tool('tsc', ['--project', own], own);
  const image = join(folder, 'anna.jpg');
  const args = [join(own, 'dist/driver.js'), service.child.url, key, image];
  return JSON.parse(await run(process.execPath, args, { cwd: own })) as Record<string, unknown>;
}

function assertAnswers(answers: Record<string, unknown>, collectionId: string): void {
  const { similarity, width, ...rest } = answers;
  assert.deepEqual(rest, {
    created: collectionId,
    enrolled: 'Created',
    found: 'anna',
    listed: 1,
    missing: 'COLLECTION_NOT_FOUND',
  });
  assert.ok(Number(similarity) > 99 && Number(width) > 50, JSON.stringify(answers));
}

before(async () => {
  folder = mkdtempSync(join(PACKAGES, 'run-'));
  service = await startService();
  key = (await service.key()).key;
  writeFileSync(join(folder, 'anna.jpg'), await portrait('anna'));
});

after(async () => {
  await service?.stop();
  if (folder) rmSync(folder, { recursive: true });
});

describe('A client generated from the OpenAPI document calls the service', () => {
  test('by openapi-typescript and openapi-fetch', async () => {
    const own = project('openapi-fetch');
    mkdirSync(join(own, 'generated'));
    await tool('openapi-typescript', [DOCUMENT, '-o', join(own, 'generated/index.d.ts')]);
    assertAnswers(await drive(own), 'openapi-fetch');
  });

  test('by @hey-api/openapi-ts', async () => {
    const own = project('hey-api');
    const config = {
      input: DOCUMENT,
      output: { path: join(own, 'generated'), importFileExtension: '.js' },
      plugins: ['@hey-api/client-fetch', '@hey-api/typescript', '@hey-api/sdk'],
      logs: { file: false },
    };
    writeFileSync(join(own, 'openapi-ts.config.js'), `export default ${JSON.stringify(config)};`);
    await tool('openapi-ts', ['--file', join(own, 'openapi-ts.config.js')], own);
    assertAnswers(await drive(own), 'hey-api');
  });

  test('by orval, in few files', async () => {
    const own = project('orval');
    const { url } = service.child;
    const output = { target: join(own, 'generated/index.ts'), client: 'fetch', baseUrl: url };
    const config = { visage: { input: DOCUMENT, output } };
    writeFileSync(join(own, 'orval.config.cjs'), `module.exports = ${JSON.stringify(config)};`);
    await tool('orval', ['--config', join(own, 'orval.config.cjs')], own);
    assertAnswers(await drive(own), 'orval');

    const split = {
      visage: {
        input: DOCUMENT,
        output: { ...output, target: join(own, 'split/index.ts'), schemas: join(own, 'split/model') },
      },
    };
    writeFileSync(join(own, 'split.config.cjs'), `module.exports = ${JSON.stringify(split)};`);
    await tool('orval', ['--config', join(own, 'split.config.cjs')], own);
    const files = readdirSync(join(own, 'split/model')).length;
    assert.ok(files > 10 && files < MOST_FILES, `${files} files`);
  });
});

describe('The OpenAPI document', () => {
  test('has no finding of redocly', async () => {
    const report = JSON.parse(await tool('redocly', ['lint', DOCUMENT, '--format', 'json']));
    assert.deepEqual(report.problems, []);
  });

  test('has no finding of spectral', async () => {
    const ruleset = join(folder, 'spectral.json');
    writeFileSync(ruleset, JSON.stringify({ extends: ['spectral:oas'] }));
    const args = ['lint', DOCUMENT, '--ruleset', ruleset, '--format', 'json', '--quiet'];
    assert.deepEqual(JSON.parse(await tool('spectral', args)), []);
  });
});
