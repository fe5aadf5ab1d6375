import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { identityAdministration } from '../../src/access/members/identity-administration.ts';
import { invite, register } from '../../src/access/members/registration.ts';
import { AWAY, NO_AUDIT, openIdentity, person } from './identity.ts';

const cleanups: (() => unknown)[] = [];
const fixture = await openIdentity({ after: (work) => cleanups.push(work) });
const { store, signingKeys } = fixture;
const identity = fixture.identity({ registration: 'open' });
const operator = identityAdministration({
  ...identity,
  audit: NO_AUDIT,
  signingKeys: async () => signingKeys,
});
after(async () => {
  await fixture.close();
  for (const clean of cleanups) clean();
});

test('The operator names a member by id where several accounts have the e-mail', async () => {
  const email = 'shared@example.com';
  const own = await operator.createMember({ email, name: 'A', role: 'owner', password: null });
  const other = await register(identity, person(email), AWAY);
  await assert.rejects(operator.resetPassword(email, null), {
    code: 'VALIDATION_FAILED',
    message: /use the id/,
  });
  assert.equal((await operator.resetPassword(other.memberId, null)).account_id, other.accountId);
  assert.equal((await operator.setRole(own.id, 'owner')).id, own.id);
  assert.deepEqual(store.check(), []);
});

test('The operator answers for the role that they give to an invitation', async () => {
  const { accountId } = store.accounts.first();
  const admin = await fixture.member('admin@example.com', 'admin');
  const invitee = { email: 'b@example.com', role: 'member' } as const;
  const { token, member } = await invite(identity, accountId, invitee, admin.memberId, () => {});
  await operator.setRole(member.memberId, 'owner');
  const joined = await register(identity, person('b@example.com', { invitation: token }), AWAY);
  assert.equal(joined.role, 'owner');
});

test('The operator sets no common password, and none made of the member’s name', async () => {
  const made = { email: 'ada@example.com', name: 'Ada Lovelace', role: 'member' } as const;
  for (const password of ['12345678', 'Password!', 'lovelace1815']) {
    await assert.rejects(operator.createMember({ ...made, password }), { code: 'VALIDATION_FAILED' });
  }
  const { id } = await operator.createMember({ ...made, password: null });
  for (const password of ['iloveyou', 'LOVELACE']) {
    await assert.rejects(operator.resetPassword(id, password), { code: 'VALIDATION_FAILED' });
  }
});
