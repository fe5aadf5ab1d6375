import { after, before, describe } from 'node:test';
import { shapesOf } from '../../bench/hostile-shapes.ts';
import type { Route } from '../../src/api/route.ts';
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

const SHORT = ['changeApiKey', 'searchFace'];

/** Not attacked here: these end the session that the other attempts need. */
const ENDING = ['logout', 'removeMember'];

function pathOf({ path }: Route): string {
  const kind = path.includes('/members/') ? 'mem' : 'key';
  return path.replaceAll(/\{\w+\}/g, `${kind}_01KF2M7Q8TC5V9XW3E6YB4NZRD`);
}

describe('A body of full size that is made to hold the event loop', () => {
  attack(
    'is refused with few errors, whatever it is made of and whichever call it is sent to',
    async (tally) => {
      for (const route of service.routes) {
        if (ENDING.includes(route.operationId)) continue;
        if (!isFull && !SHORT.includes(route.operationId)) continue;
        for (const { name, query, body } of shapesOf(route)) {
          if (!body) continue;
          // The service may close before it has read the body; the client then sees no answer.
          const response = await fetch(`${service.url}${pathOf(route)}${query}`, {
            method: route.method,
            headers: {
              Authorization: `Bearer ${route.access.by === 'member' ? owner : key}`,
              'Content-Type': body.type,
            },
            body: body.data,
          }).catch(() => null);
          if (response === null) {
            const { status } = await service.call(key, 'GET', '/v1/collection/get-all');
            tally.attempt(`${route.operationId}, ${name}`, status !== 200);
            continue;
          }
          const { errors = [] } = (await response.json()) as { errors?: unknown[] };
          const isRefused = response.status >= 400 && response.status < 500;
          tally.attempt(`${route.operationId}, ${name}`, !isRefused || errors.length > 20);
        }
      }
    },
  );
});
