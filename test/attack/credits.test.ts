import { after } from 'node:test';
import { AccessService, closeShared } from '../../testing/access-service.ts';
import { attack, isFull } from '../../testing/attack.ts';
import { samePerson } from '../../testing/sample-faces.ts';

const PRICE = 10_000;
const ROUNDS = isFull ? 20 : 2;
const CLIENTS = 16;

after(closeShared);

attack(
  'Calls at once spend no more than the budget of their key and the balance of their account',
  async (tally) => {
    const at = await AccessService.open({ isPrepaid: true, prices: { detectFaces: PRICE } });
    const bytes = (await samePerson())[0].toString('base64');
    for (let round = 0; round < ROUNDS; round++) {
      const paid = 1 + (round % 3);
      const isByBalance = round % 2 === 1;
      const before = at.store.credits.balance(at.accountId);
      await at.store.credits.topUp(at.accountId, (isByBalance ? paid : 100) * PRICE - before);
      const limits = isByBalance ? {} : { budget: paid * PRICE };
      const { key, id } = await at.key(limits);
      const keys = isByBalance
        ? await Promise.all(Array.from({ length: CLIENTS }, async () => (await at.key()).key))
        : Array<string>(CLIENTS).fill(key);
      let decided = 0;
      let open = () => {};
      const all = new Promise<void>((resolve) => {
        open = resolve;
      });
      const decide = () => {
        if (++decided === CLIENTS) open();
      };
      at.beforePicture = () => {
        decide();
        return all;
      };
      let served = 0;
      await Promise.all(
        keys.map(async (each) => {
          const { status } = await at.call(each, 'POST', '/v1/face/detect', { image: { bytes } });
          if (status === 200) tally.attempt(`answer ${++served} for the price of ${paid}`, served > paid);
          else decide();
        }),
      );
      const spent = at.store.credits.spent(id);
      tally.attempt(`spent ${spent} of ${paid * PRICE}`, !isByBalance && spent > paid * PRICE);
      tally.attempt('a negative balance', at.store.credits.balance(at.accountId) < 0);
    }
    await at.close();
  },
);
