/** `node dist/tools/write-face-mixes.js FOLDER`: writes the test fixture of made-up templates from images of people. */
import { writeFileSync } from 'node:fs';
import { openPack, withPipeline } from '../src/cli/pack-access.ts';
import { variedTemplates } from '../src/vision/varied-templates.ts';
import { FACE_MIXES_FILE, faceMixesFile } from '../testing/face-mixes.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('Usage: node dist/tools/write-face-mixes.js FOLDER');
const pack = await openPack('faceplugin');
const templates = await withPipeline(pack, folder, (pipeline, executor) =>
  variedTemplates(pipeline, executor, folder, { degraded: false }, () => {}),
);
writeFileSync(FACE_MIXES_FILE, faceMixesFile(templates.flatMap(({ plain }) => plain ?? [])));
