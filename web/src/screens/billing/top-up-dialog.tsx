import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../../i18n/format.ts';
import { FormDialog } from '../../ui/dialog.tsx';
import { TextField } from '../../ui/field.tsx';
import { toast } from '../../ui/toast.tsx';
import { topUp } from './billing-data.ts';

const MOST = 1_000_000;

/** @returns null unless dollars between zero and a million. */
function amountOf(text: string): number | null {
  const amount = /^\d+([.,]\d{1,6})?$/.test(text.trim()) ? Number(text.trim().replace(',', '.')) : 0;
  return amount > 0 && amount <= MOST ? amount : null;
}

export function TopUpDialog({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation('billing');
  const format = useFormat();
  const [text, setText] = useState('');
  const amount = amountOf(text);
  const { mutate, isPending, error } = useMutation({
    mutationFn: topUp,
    onSuccess(_, added) {
      toast.done(t('topUp.done', { amount: format.usd(added) }));
      onClose();
    },
  });
  return (
    <FormDialog
      title={t('topUp.title')}
      isOpen
      onClose={onClose}
      size="sm"
      action={amount === null ? t('topUp.open') : t('topUp.action', { amount: format.usd(amount) })}
      isDisabled={amount === null}
      isPending={isPending}
      error={error}
      onSubmit={() => amount !== null && mutate(amount)}
    >
      <TextField
        label={t('topUp.amount')}
        hint={t('topUp.hint')}
        error={text !== '' && amount === null ? t('topUp.invalid') : null}
        value={text}
        onChange={setText}
        suffix="USD"
        inputMode="decimal"
        autoComplete="off"
        autoFocus
      />
    </FormDialog>
  );
}
