import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { groupedImages } from '../../src/vision/grouped-templates.ts';

describe('labels of age, gender and race', () => {
  test('give adults a group, and name a missing column', () => {
    const labels =
      'file,age,gender,race\n1.jpg,3-9,Male,East Asian\n2.jpg,20-29,Female,Black\n3.jpg,more than 70,Male,White\n';
    assert.deepEqual(groupedImages(labels), [
      { file: '1.jpg', age: '3-9', group: null },
      { file: '2.jpg', age: '20-29', group: 'Black Female' },
      { file: '3.jpg', age: 'more than 70', group: 'White Male' },
    ]);
    assert.throws(() => groupedImages('file,age,gender\n'), /column "race"/);
  });
});
