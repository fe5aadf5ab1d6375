import { createClient } from './generated/client/index.js';
import { createCollection, enrollFace, getCollection, listFaces, searchFace } from './generated/index.js';
import { image, key, print, url } from './setting.js';

const client = createClient({ baseUrl: url, auth: key });
const collectionId = 'hey-api';

const created = await createCollection({ client, body: { collectionId } });
const enrolled = await enrollFace({
  client,
  body: { collectionId, externalKey: 'anna', image: { bytes: image } },
});
const found = await searchFace({ client, body: { collectionId, image: { bytes: image } } });
const listed = await listFaces({ client, query: { collectionId } });
const missing = await getCollection({ client, query: { collectionId: 'none' } });

print({
  created: created.data?.collectionId,
  enrolled: enrolled.data?.result,
  found: found.data?.externalKey,
  similarity: found.data?.similarity,
  width: found.data?.face?.boundingBox.width,
  listed: listed.data?.faces.length,
  missing: missing.error?.code,
});
