/** `node conversion-writer.js FOLDER`: converts a store of schema 3 while it adds and removes faces. */
import { pino } from 'pino';
import { RowConversion } from '../../src/gallery/row-conversion.ts';
import { Store } from '../../src/store/store.ts';
import { FACE, ownerIn, PACK, rowOf, SPACE } from '../../testing/temporary-store.ts';

const [folder = ''] = process.argv.slice(2);
const store = Store.open(folder);
const owner = ownerIn(store);
const log = pino({ level: 'silent' });
const conversion = new RowConversion({ faces: store.faces, packs: [{ packId: PACK, space: SPACE }], log });
console.log('converting');
let isOver = false;
conversion.start();
const ended = conversion.settled().then(() => {
  isOver = true;
});
while (!isOver) {
  const { faceId } = await store.faces.add(owner, 'people', FACE, rowOf(0));
  await store.faces.removeById(owner, 'people', faceId);
}
await ended;
await store.close();
