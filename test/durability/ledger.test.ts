import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ledger } from './ledger.ts';

const lost = () => Promise.reject(new Error('no answer'));

async function ledgerWithFace() {
  const ledger = new Ledger();
  const face = await ledger.adding('c', 0, async () => 'face_1');
  return { ledger, face };
}

describe('the ledger', () => {
  test('is content with what was acknowledged', async () => {
    const { ledger, face } = await ledgerWithFace();
    assert.deepEqual(ledger.settle('c', [{ faceId: 'face_1', externalKey: null }]), []);
    await ledger.changing([face], { key: 'k' }, async () => {});
    assert.deepEqual(ledger.settle('c', [{ faceId: 'face_1', externalKey: 'k' }]), []);
    await ledger.changing([face], 'gone', async () => {});
    assert.deepEqual(ledger.settle('c', []), []);
  });

  test('sees a face that lacks the key that it was acknowledged with', async () => {
    const ledger = new Ledger();
    await ledger.adding('c', 0, async () => 'face_1', 'k');
    assert.deepEqual(ledger.settle('c', [{ faceId: 'face_1', externalKey: 'k' }]), []);
    assert.equal(ledger.settle('c', [{ faceId: 'face_1', externalKey: null }]).length, 1);
  });

  test('sees an acknowledged face that is lost', async () => {
    const { ledger } = await ledgerWithFace();
    assert.equal(ledger.settle('c', []).length, 1);
  });

  test('sees an acknowledged key that is lost, and an acknowledged delete that came back', async () => {
    const { ledger, face } = await ledgerWithFace();
    await ledger.changing([face], { key: 'k' }, async () => {});
    assert.equal(ledger.settle('c', [{ faceId: 'face_1', externalKey: null }]).length, 1);
    await ledger.changing([face], 'gone', async () => {});
    assert.equal(ledger.settle('c', [{ faceId: 'face_1', externalKey: null }]).length, 1);
  });

  test('takes either outcome of a call without an answer, once', async () => {
    const { ledger, face } = await ledgerWithFace();
    await assert.rejects(ledger.changing([face], 'gone', lost));
    assert.deepEqual(ledger.settle('c', []), []);
    assert.equal(ledger.settle('c', [{ faceId: 'face_1', externalKey: null }]).length, 1);
  });

  test('takes as many unknown faces as calls went without an answer', async () => {
    const ledger = new Ledger();
    await assert.rejects(ledger.adding('c', 0, lost));
    const unknown = { faceId: 'face_2', externalKey: null };
    assert.deepEqual(ledger.settle('c', [unknown]), []);
    assert.equal(ledger.settle('c', [unknown, { ...unknown, faceId: 'face_3' }]).length, 1);
  });
});
