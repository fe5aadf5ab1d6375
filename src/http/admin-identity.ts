/** The admin API's part of members and signing keys. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type Router from '@koa/router';
import type { IdentityAdministration, NewMember } from '../access/identity-administration.ts';
import { ROLES, type Role } from '../access/roles.ts';
import { readBody } from './body.ts';
import { parseJson } from './json-body.ts';
import type { RequestState } from './koa-app.ts';
import { bodyForm } from './media-type.ts';
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
export function addIdentityRoutes(router: Router<RequestState>, identity: IdentityAdministration): void {
  router.get('/members', async (context) => {
    context.body = { members: await identity.listMembers() };
  });
  router.post('/members', async (context) => {
    const body = newMember(await json(context.req, context.res));
    context.body = await identity.createMember(body as unknown as NewMember);
    context.status = 201;
  });
  router.patch('/members/:member', async (context) => {
    const { role } = newRole(await json(context.req, context.res));
    context.body = await identity.setRole(String(context.params.member), role as Role);
  });
  router.delete('/members/:member', async (context) => {
    await identity.removeMember(String(context.params.member));
    context.status = 204;
  });
  router.post('/members/:member/password', async (context) => {
    const { password } = newPassword(await json(context.req, context.res));
    const member = String(context.params.member);
    context.body = await identity.resetPassword(member, password as string | null);
  });
  router.post('/tokens/rotate', async (context) => {
    context.body = await identity.rotateTokenKey();
  });
}
