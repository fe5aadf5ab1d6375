import { describe } from 'node:test';
import { queryParameters } from '../../src/api/validation.ts';
import { attack } from '../../testing/attack.ts';

describe('A request target', () => {
  attack('does not name a parameter twice', async (tally) => {
    for (const query of ['a=1&a=2', 'a=1&%61=2', 'a&a', '=1&=2']) {
      let passed = true;
      try {
        queryParameters(query);
      } catch {
        passed = false;
      }
      tally.attempt(query, passed);
    }
  });
});
