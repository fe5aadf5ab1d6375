import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Form } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { api, call } from '../../api/client.ts';
import { isCode } from '../../api/problem.ts';
import { logIn } from '../../api/session.ts';
import { Button } from '../../ui/button.tsx';
import { TextField } from '../../ui/field.tsx';
import { ErrorNote } from '../../ui/states.tsx';
import styles from './first-run.module.css';
import { goTo } from './state.ts';

export function OwnerStep({ onDone }: { readonly onDone: () => void }) {
  const { t } = useTranslation(['first-run', 'common']);
  const [setupCode, setSetupCode] = useState('');
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const register = useMutation({
    async mutationFn() {
      const body = { name, email, password, setup_code: setupCode.trim() };
      await call(api.POST('/auth/register-email', { body }));
      goTo('owner');
      await logIn(email, password);
    },
    onSuccess: onDone,
  });
  const { error } = register;
  const isWrongCode = isCode(error, 'PERMISSION_DENIED');
  return (
    <Form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (!register.isPending) register.mutate();
      }}
    >
      <p className={styles.intro}>{t('owner.intro')}</p>
      <TextField
        label={t('owner.code')}
        hint={
          <>
            {t('owner.codeHint')} <code>sudo journalctl -u visage | grep setupCode</code>
          </>
        }
        error={isWrongCode ? t('owner.wrongCode') : null}
        value={setupCode}
        onChange={setSetupCode}
        isCode
        isRequired
        autoFocus
        autoComplete="off"
        spellCheck="false"
      />
      <div className={styles.pair}>
        <TextField label={t('owner.name')} autoComplete="name" value={name} onChange={setName} isRequired />
        <TextField
          label={t('common:login.email')}
          type="email"
          autoComplete="username"
          value={email}
          onChange={setEmail}
          isRequired
        />
      </div>
      <TextField
        label={t('common:login.password')}
        hint={t('owner.passwordHint')}
        type="password"
        autoComplete="new-password"
        value={password}
        onChange={setPassword}
        isRequired
      />
      {error !== null && !isWrongCode && <ErrorNote error={error} />}
      <div className={styles.end}>
        <Button type="submit" variant="primary" isPending={register.isPending}>
          {t('owner.action')}
        </Button>
      </div>
    </Form>
  );
}
