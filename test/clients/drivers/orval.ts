import { createCollection, enrollFace, getCollection, listFaces, searchFace } from './generated/index.js';
import { image, key, print } from './setting.js';

const options = { headers: { Authorization: `ApiKey ${key}` } };
const collectionId = 'orval';

const created = await createCollection({ collectionId }, options);
const enrolled = await enrollFace(
  { collectionId, externalKey: 'anna', image: { bytes: image } },
  undefined,
  options,
);
const found = await searchFace({ collectionId, image: { bytes: image } }, undefined, options);
const listed = await listFaces({ collectionId }, options);
const missing = await getCollection({ collectionId: 'none' }, options);

print({
  created: created.status === 200 && created.data.collectionId,
  enrolled: enrolled.status === 200 && enrolled.data.result,
  found: found.status === 200 && found.data.externalKey,
  similarity: found.status === 200 && found.data.similarity,
  width: found.status === 200 && found.data.face?.boundingBox.width,
  listed: listed.status === 200 && listed.data.faces.length,
  missing: missing.status === 404 && missing.data.code,
});
