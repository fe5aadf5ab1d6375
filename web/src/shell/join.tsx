import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Form } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'wouter';
import { api, call } from '../api/client.ts';
import { isCode } from '../api/problem.ts';
import { logIn } from '../api/session.ts';
import { Button } from '../ui/button.tsx';
import { TextField } from '../ui/field.tsx';
import { ErrorNote, Note } from '../ui/states.tsx';
import { Entrance } from './entrance.tsx';

export default function Join() {
  const { t } = useTranslation(['members', 'common']);
  const [, navigate] = useLocation();
  const [invitation, setInvitation] = useState(location.hash.slice(1));
  const [isFromLink] = useState(invitation !== '');
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const { mutate, isPending, error } = useMutation({
    async mutationFn() {
      const body = { name: name.trim(), email: email.trim(), password, invitation: invitation.trim() };
      await call(api.POST('/auth/register-email', { body }));
      await logIn(body.email, password);
    },
    onSuccess: () => navigate('/', { replace: true }),
  });
  const isRefused = isCode(error, 'PERMISSION_DENIED');
  return (
    <Entrance title={t('join.title')}>
      <p>{t('join.text')}</p>
      <Form
        onSubmit={(event) => {
          event.preventDefault();
          if (!isPending) mutate();
        }}
      >
        {!isFromLink && (
          <TextField
            label={t('join.invitation')}
            value={invitation}
            onChange={setInvitation}
            isCode
            isRequired
            autoComplete="off"
            spellCheck="false"
          />
        )}
        <TextField
          label={t('common:login.email')}
          hint={t('join.emailHint')}
          type="email"
          name="email"
          autoComplete="username"
          value={email}
          onChange={setEmail}
          isRequired
          autoFocus
        />
        <TextField
          label={t('join.name')}
          name="name"
          autoComplete="name"
          value={name}
          onChange={setName}
          isRequired
        />
        <TextField
          label={t('common:login.password')}
          hint={t('join.passwordHint')}
          type="password"
          name="password"
          autoComplete="new-password"
          value={password}
          onChange={setPassword}
          isRequired
        />
        {isRefused ? (
          <Note tone="bad">{t('join.refused')}</Note>
        ) : (
          error !== null && <ErrorNote error={error} />
        )}
        <Button type="submit" variant="primary" isPending={isPending}>
          {t('join.action')}
        </Button>
      </Form>
    </Entrance>
  );
}
