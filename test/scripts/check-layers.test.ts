import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { describe, test } from 'node:test';
import { folderWith, runScript } from './project-scripts.ts';

function check(files: Readonly<Record<string, string>>) {
  const folder = folderWith(files);
  try {
    return runScript('check-layers.mjs', folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('check-layers', () => {
  test('finds nothing wrong in this project', () => {
    assert.equal(runScript('check-layers.mjs').output, 'layers: every import goes the right way\n');
  });

  test('accepts a project that keeps to the directions', () => {
    const { code, output } = check({
      'src/main.ts': "import { app } from './service/app.ts';\nimport './cli/keys.ts';",
      'src/service/app.ts': "import { faces } from '../recognition/faces.ts';",
      'src/recognition/faces.ts':
        "import type { Route } from '../api/route.ts';\nimport { x } from './other.ts';",
      'src/access/gate/gate.ts': "import { audit } from '../audit/audit.ts';\nimport '../key-limits.ts';",
      'src/store/store.ts': "import { VisageError } from '../errors.ts';",
      'src/ops/version.ts': "import manifest from '../../package.json' with { type: 'json' };",
      'native/pipeline/pipeline.h': '#include <vector>\n#include "decode/decode.h"\n',
      'native/decode/decode.h': '#include <jpeglib.h>\n',
      'native/search/fast_scan.cc': '#include <faiss/impl/pq4_fast_scan.h>\n',
      'native/runtime/inference_session.cc': '#include <onnxruntime_cxx_api.h>\n',
    });
    assert.equal(output, 'layers: every import goes the right way\n');
    assert.equal(code, 0);
  });

  const wrong: [name: string, file: string, content: string, complaint: RegExp][] = [
    [
      'a call back up',
      'src/store/a.ts',
      "import { r } from '../recognition/r.ts';",
      /:1: store may not import/,
    ],
    [
      'one lower part in another',
      'src/vision/a.ts',
      "import '../store/b.ts';",
      /vision may not import store\/b/,
    ],
    ['a type', 'src/api/a.ts', "import type { S } from '../store/b.ts';", /api may not import store\/b/],
    [
      'an import at run time',
      'src/config/a.ts',
      "await import('../service/app.ts');",
      /config may not import service\/app/,
    ],
    [
      'a room of access above',
      'src/access/audit/a.ts',
      "import '../keys/b.ts';",
      /access\/audit may not import access\/keys\/b/,
    ],
    ['a circle', 'src/store/a.ts', "import { a } from './a.ts';", /circle of imports: store\/a -> store\/a/],
    ['a re-export', 'src/http/a.ts', "export * from '../store/b.ts';", /http may not import store\/b/],
    [
      'routes that import what serves them',
      'src/recognition/a.ts',
      "import {\n  a,\n} from '../http/server.ts';",
      /:3: recognition may not import http\/server/,
    ],
    [
      'the way out of src',
      'src/service/app.ts',
      "import '../../test/fixture.ts';",
      /service imports .* outside src/,
    ],
    ['a folder without a rule', 'src/utils/a.ts', '', /does not say what utils may import/],
    [
      'a stage in another stage',
      'native/detect/a.cc',
      '#include "decode/b.h"\n',
      /detect may not include decode\/b.h/,
    ],
    [
      'the pipeline in a stage',
      'native/align/a.h',
      '#include "pipeline/b.h"\n',
      /align may not include pipeline/,
    ],
    [
      'Node below the addon',
      'native/search/a.cc',
      '#include <napi.h>\n',
      /only addon may include Node's headers/,
    ],
    [
      'ONNX Runtime above the runtime',
      'native/embed/a.cc',
      '\n# include <onnxruntime_cxx_api.h>\n',
      /:2: only runtime may include ONNX Runtime/,
    ],
    [
      'FAISS in the rest of the search',
      'native/search/a.cc',
      '#include <faiss/impl/pq4_fast_scan.h>\n',
      /only cuda and search\/fast_scan\.cc may include FAISS/,
    ],
    ['a third party in base', 'native/base/a.h', '#include <jpeglib.h>\n', /base includes nothing but/],
    ['a header that is not there', 'native/align/a.cc', '#include "a.h"\n', /no native\/a\.h/],
  ];
  for (const [name, file, content, complaint] of wrong) {
    test(`refuses ${name}`, () => {
      const { code, output } = check({
        'native/decode/b.h': '',
        'native/pipeline/b.h': '',
        [file]: content,
      });
      assert.match(output, complaint);
      assert.ok(output.startsWith(file.replace(/\.ts$/, '')), output);
      assert.equal(code, 1);
    });
  }

  test('passes over an import in a comment', () => {
    const { code } = check({ 'src/store/a.ts': "// was: import '../app.ts';\n/** import '../app.ts' */" });
    assert.equal(code, 0);
  });
});
