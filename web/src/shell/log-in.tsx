import { useState } from 'react';
import { Form } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { logIn } from '../api/session.ts';
import { Button } from '../ui/button.tsx';
import { TextField } from '../ui/field.tsx';
import { ErrorNote, Note } from '../ui/states.tsx';
import { Entrance } from './entrance.tsx';

export default function LogIn({ wasLoggedIn }: { readonly wasLoggedIn: boolean }) {
  const { t } = useTranslation();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [isPending, setIsPending] = useState(false);
  const submit = async () => {
    setIsPending(true);
    setError(null);
    try {
      await logIn(email, password);
    } catch (cause) {
      setError(cause);
      setPassword('');
    } finally {
      setIsPending(false);
    }
  };
  return (
    <Entrance title={t('login.title')}>
      {wasLoggedIn && <Note>{t('login.expired')}</Note>}
      <Form
        onSubmit={(event) => {
          event.preventDefault();
          if (!isPending) void submit();
        }}
      >
        <TextField
          label={t('login.email')}
          type="email"
          name="email"
          autoComplete="username"
          value={email}
          onChange={setEmail}
          isRequired
          autoFocus
        />
        <TextField
          label={t('login.password')}
          type="password"
          name="password"
          autoComplete="current-password"
          value={password}
          onChange={setPassword}
          isRequired
        />
        {error !== null && <ErrorNote error={error} />}
        <Button type="submit" variant="primary" isPending={isPending}>
          {t('login.action')}
        </Button>
      </Form>
    </Entrance>
  );
}
