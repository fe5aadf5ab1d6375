import { useTranslation } from 'react-i18next';
import { useEventRecording, useSetEventRecording } from '../../api/event-recording.ts';
import { allows, useMe } from '../../api/session.ts';
import { Button, ButtonLink } from '../../ui/button.tsx';
import { EmptyState, ErrorNote, SkeletonList } from '../../ui/states.tsx';

export function NoEvents() {
  const { t } = useTranslation('live');
  const me = useMe();
  const { data, isPending } = useEventRecording();
  const turnOn = useSetEventRecording();
  if (isPending) return <SkeletonList rows={8} />;
  if (data?.days === 0) {
    return (
      <EmptyState title={t('off.title')}>
        {t('off.byAppliance')} <code>events_days = 1</code>
      </EmptyState>
    );
  }
  if (data?.enabled === false) {
    const isAdmin = allows(me, { role: 'admin' });
    return (
      <EmptyState
        title={t('off.title')}
        actions={
          isAdmin && (
            <Button variant="primary" isPending={turnOn.isPending} onPress={() => turnOn.mutate(true)}>
              {t('off.action')}
            </Button>
          )
        }
      >
        {t(isAdmin ? 'off.text' : 'off.textForMembers', { count: data.days })}
        {turnOn.error !== null && <ErrorNote error={turnOn.error} />}
      </EmptyState>
    );
  }
  return (
    <EmptyState
      title={t('empty.title')}
      actions={
        <ButtonLink href="/try-it" variant="primary">
          {t('empty.action')}
        </ButtonLink>
      }
    >
      {t('empty.text')}
    </EmptyState>
  );
}
