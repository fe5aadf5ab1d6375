/** The admin API's part of members and signing keys. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { IdentityAdministration, NewMember } from '../access/identity-administration.ts';
import { ROLES, type Role } from '../access/roles.ts';
import { readBody } from './body.ts';
import { parseJson } from './json-body.ts';
import { bodyForm } from './media-type.ts';
import type { Router } from './router.ts';
import { object } from './schema.ts';
import { compile } from './validation.ts';

const MAX_BODY_BYTES = 16 * 1024;

const ROLE = { type: 'string', enum: ROLES };
const PASSWORD = { type: ['string', 'null'], maxLength: 2048 };

const newMember = compile(
  object({ email: { type: 'string' }, name: { type: 'string' }, role: ROLE, password: PASSWORD }),
  'typed',
);
const newRole = compile(object({ role: ROLE }), 'typed');
const newPassword = compile(object({ password: PASSWORD }), 'typed');

async function json(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
  bodyForm(request.headers, ['json']);
  return parseJson(await readBody(request, response, MAX_BODY_BYTES));
}

/** Adds `/members`, `/members/{id or e-mail}` and `/tokens/rotate`. */
export function addIdentityRoutes(add: Router['add'], identity: IdentityAdministration): void {
  add('GET', '/members', async (context) => {
    context.body = { members: await identity.listMembers() };
  });
  add('POST', '/members', async (context) => {
    const body = newMember(await json(context.req, context.res));
    context.body = await identity.createMember(body as unknown as NewMember);
    context.status = 201;
  });
  add('PATCH', '/members/{member}', async (context, { member }) => {
    const { role } = newRole(await json(context.req, context.res));
    context.body = await identity.setRole(String(member), role as Role);
  });
  add('DELETE', '/members/{member}', async (context, { member }) => {
    await identity.removeMember(String(member));
    context.status = 204;
  });
  add('POST', '/members/{member}/password', async (context, { member }) => {
    const { password } = newPassword(await json(context.req, context.res));
    context.body = await identity.resetPassword(String(member), password as string | null);
  });
  add('POST', '/tokens/rotate', async (context) => {
    context.body = await identity.rotateTokenKey();
  });
}
