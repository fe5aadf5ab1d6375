import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { send } from '../api/client.ts';
import { ApiError } from '../api/problem.ts';
import { FormDialog } from '../ui/dialog.tsx';
import { TextField } from '../ui/field.tsx';

async function confirmPassword(password: string): Promise<void> {
  const response = await send(
    new Request(new URL('/v1/auth/confirm', location.origin), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ password }),
    }),
  );
  if (!response.ok) throw new ApiError(response.status, await response.json().catch(() => ({})));
}

interface StepUpDialogProps {
  readonly onAnswer: (isConfirmed: boolean) => void;
}

export default function StepUpDialog({ onAnswer }: StepUpDialogProps) {
  const { t } = useTranslation();
  const [password, setPassword] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [isPending, setIsPending] = useState(false);
  const submit = async () => {
    setIsPending(true);
    try {
      await confirmPassword(password);
      onAnswer(true);
    } catch (cause) {
      setError(cause);
    } finally {
      setIsPending(false);
    }
  };
  return (
    <FormDialog
      title={t('stepUp.title')}
      isOpen
      onClose={() => onAnswer(false)}
      action={t('stepUp.action')}
      isPending={isPending}
      isDisabled={password === ''}
      error={error}
      onSubmit={() => void submit()}
      size="sm"
    >
      <p>{t('stepUp.text')}</p>
      <TextField
        label={t('login.password')}
        type="password"
        autoComplete="current-password"
        value={password}
        onChange={setPassword}
        autoFocus
      />
    </FormDialog>
  );
}
