import { useTranslation } from 'react-i18next';
import { useEventRecording, useSetEventRecording } from '../api/event-recording.ts';
import { queryClient } from '../api/query-client.ts';
import { Dialog, FormDialog } from '../ui/dialog.tsx';
import { ErrorState, Note, SkeletonList } from '../ui/states.tsx';
import { toast } from '../ui/toast.tsx';

interface EventRecordingDialogProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

export default function EventRecordingDialog({ isOpen, onClose }: EventRecordingDialogProps) {
  const { t } = useTranslation('live');
  const { data, error, refetch } = useEventRecording();
  const { mutate, isPending, error: failure, reset } = useSetEventRecording();
  const close = () => {
    reset();
    onClose();
  };
  const frame = { title: t('recording.title'), isOpen, onClose: close, size: 'sm' } as const;
  if (!data || data.days === 0) {
    return (
      <Dialog {...frame}>
        {data ? (
          <p>
            {t('off.byAppliance')} <code>events_days = 1</code>
          </p>
        ) : error ? (
          <ErrorState error={error} onRetry={() => void refetch()} />
        ) : (
          <SkeletonList rows={2} />
        )}
      </Dialog>
    );
  }
  const { enabled, days } = data;
  const submit = () =>
    mutate(!enabled, {
      onSuccess() {
        close();
        toast.done(t(enabled ? 'recording.isOff' : 'recording.isOn'));
        void queryClient.invalidateQueries();
      },
    });
  return (
    <FormDialog
      {...frame}
      action={t(enabled ? 'recording.turnOff' : 'off.action')}
      isDanger={enabled}
      isPending={isPending}
      error={failure}
      onSubmit={submit}
    >
      <p>{t(enabled ? 'recording.on' : 'recording.off', { count: days })}</p>
      {enabled && <Note tone="warn">{t('recording.erases')}</Note>}
    </FormDialog>
  );
}
