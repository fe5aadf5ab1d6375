import type { IncomingMessage, ServerResponse } from 'node:http';
import type Router from '@koa/router';
import type { IdentityAdministration } from '../access/members/identity-administration.ts';
import { ROLES } from '../api/roles.ts';
import { object } from '../api/schema.ts';
import { compile } from '../api/validation.ts';
import { answerList } from './admin-list.ts';
import { readBody } from './body.ts';
import { parseJson } from './json-body.ts';
import type { RequestState } from './koa-app.ts';
import { bodyForm } from './media-type.ts';

const MAX_BODY_BYTES = 16 * 1024;

const ROLE = { type: 'string', enum: ROLES } as const;
const PASSWORD = { type: ['string', 'null'], maxLength: 2048 } as const;

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

export function addIdentityRoutes(router: Router<RequestState>, identity: IdentityAdministration): void {
  router.get('/members', async (context) => {
    answerList(context, 'members', await identity.listMembers());
  });
  router.post('/members', async (context) => {
    const body = newMember(await json(context.req, context.res));
    context.body = await identity.createMember(body);
    context.status = 201;
  });
  router.patch('/members/:member', async (context) => {
    const { role } = newRole(await json(context.req, context.res));
    context.body = await identity.setRole(String(context.params.member), role);
  });
  router.delete('/members/:member', async (context) => {
    await identity.removeMember(String(context.params.member));
    context.status = 204;
  });
  router.post('/members/:member/password', async (context) => {
    const { password } = newPassword(await json(context.req, context.res));
    const member = String(context.params.member);
    context.body = await identity.resetPassword(member, password);
  });
  router.post('/tokens/rotate', async (context) => {
    context.body = await identity.rotateTokenKey();
  });
}
