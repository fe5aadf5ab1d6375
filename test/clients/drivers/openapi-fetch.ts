import createClient from 'openapi-fetch';
import type { paths } from './generated/index.js';
import { image, key, print, url } from './setting.js';

const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `ApiKey ${key}` } });
const collectionId = 'openapi-fetch';

const created = await client.POST('/v1/collection/create', { body: { collectionId } });
const enrolled = await client.POST('/v1/face/enroll', {
  body: { collectionId, externalKey: 'anna', image: { bytes: image } },
});
const found = await client.POST('/v1/face/search', { body: { collectionId, image: { bytes: image } } });
const listed = await client.GET('/v1/face/list', { params: { query: { collectionId } } });
const missing = await client.GET('/v1/collection/get', { params: { query: { collectionId: 'none' } } });

print({
  created: created.data?.collectionId,
  enrolled: enrolled.data?.result,
  found: found.data?.externalKey,
  similarity: found.data?.similarity,
  width: found.data?.face?.boundingBox.width,
  listed: listed.data?.faces.length,
  missing: missing.error?.code,
});
