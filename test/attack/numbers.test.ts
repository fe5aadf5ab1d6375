import { after, before, describe } from 'node:test';
import type { Route } from '../../src/api/route.ts';
import type { Schema } from '../../src/api/schema.ts';
import { propertiesOf } from '../../src/http/image-parameters.ts';
import { AccessService, closeShared } from '../../testing/access-service.ts';
import { attack, isFull } from '../../testing/attack.ts';

let service: AccessService;
let key: string;
let owner: string;
before(async () => {
  service = await AccessService.open();
  key = (await service.key()).key;
  owner = await service.token(await service.member('owner'));
});
after(async () => {
  await service.close();
  await closeShared();
});

const SHORT = ['Infinity', '1e999', ' ', '0x50'];
const FULL = [
  ...SHORT,
  ...['-Infinity', 'NaN', '', '+5', '5.', '.5', '٥', '1e2', '1_0', ' 5', '5\n', '-1e999', '9'.repeat(400)],
];

function numbersOf(route: Route): string[] {
  const schema: Schema = route.query ?? (route.images && route.body) ?? {};
  return Object.entries(propertiesOf(schema)).flatMap(([name, { type }]) =>
    [type].flat().some((each) => each === 'number' || each === 'integer') ? [name] : [],
  );
}

async function passes(route: Route, name: string, query: string, body?: FormData | Blob): Promise<boolean> {
  const response = await fetch(`${service.url}${route.path.replace(/\{\w+\}/, 'x')}${query}`, {
    method: route.method,
    headers: { Authorization: `Bearer ${route.access.by === 'member' ? owner : key}` },
    ...(body ? { body } : {}),
  });
  const { code, errors = [] } = (await response.json()) as { code?: string; errors?: { path: string }[] };
  return code !== 'VALIDATION_FAILED' || !errors.some(({ path }) => path.replace('/', '') === name);
}

describe('A number that is none', () => {
  attack('is answered 400 by every call, in queries and forms', async (tally) => {
    for (const route of service.routes) {
      for (const name of numbersOf(route)) {
        for (const text of isFull ? FULL : SHORT) {
          const query = `?collectionId=c&${new URLSearchParams({ [name]: text })}`;
          const picture = new Blob(['x'], { type: 'image/jpeg' });
          const isRaw = route.images?.image !== undefined;
          if (!route.images || isRaw) {
            const body = isRaw ? picture : undefined;
            tally.attempt(`${route.path}${query}`, await passes(route, name, query, body));
          }
          if (!route.images) continue;
          const form = new FormData();
          form.set('collectionId', 'c');
          form.set(name, text);
          form.set(route.images.image ? 'image' : 'images', picture, 'a.jpg');
          tally.attempt(`${route.path} form ${name}=${text}`, await passes(route, name, '', form));
        }
      }
    }
  });
});

describe('A threshold on the scale of 0 to 1', () => {
  attack(
    'is refused by every call, in queries, forms and JSON, and says which scale is meant',
    async (tally) => {
      const values = isFull ? ['0.8', '1', '0.5', '0.95', '0.0001', '1.0', '0.999999'] : ['0.8', '1'];
      for (const route of service.routes) {
        const name = numbersOf(route).find((each) => each === 'faceMatchThreshold');
        if (name === undefined) continue;
        for (const value of values) {
          const picture = new Blob(['x'], { type: 'image/jpeg' });
          const form = new FormData();
          for (const [field, text] of Object.entries({ collectionId: 'c', [name]: value }))
            form.set(field, text);
          form.set('image', picture, 'a.jpg');
          const fields = { collectionId: 'c', [name]: Number(value) };
          const json = new Blob([JSON.stringify(fields)], { type: 'application/json' });
          const query = `?collectionId=c&${name}=${value}`;
          for (const [way, target, body] of [
            ['query', query, picture],
            ['form', '', form],
            ['JSON', '', json],
          ] as const) {
            tally.attempt(`${route.path} ${way} ${value}`, await passes(route, name, target, body));
          }
        }
      }
    },
  );
});
