import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../../i18n/format.ts';
import { Badge } from '../../ui/badge.tsx';
import { ButtonLink } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { FaceThumb } from '../../ui/face-image.tsx';
import { ErrorState, SkeletonList } from '../../ui/states.tsx';
import { cropOf, eventPage } from '../live/event-calls.ts';
import { TONES, useEventName } from '../live/event-words.ts';
import styles from './overview.module.css';

const SHOWN = 8;
const REFRESH_MS = 5_000;

export function LatestEvents() {
  const { t } = useTranslation(['overview', 'live']);
  const format = useFormat();
  const nameOf = useEventName();
  const { data, error, refetch } = useQuery({
    queryKey: ['events', 'latest'],
    queryFn: ({ signal }) => eventPage({}, { limit: SHOWN }, signal),
    refetchInterval: REFRESH_MS,
  });
  return (
    <Card
      title={t('events.title')}
      actions={
        <ButtonLink href="/live" size="sm">
          {t('events.open')}
        </ButtonLink>
      }
    >
      {error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <SkeletonList rows={4} />
      ) : data.events.length === 0 ? (
        <p className={styles.remedy}>{t('events.empty')}</p>
      ) : (
        <ul className={styles.events}>
          {data.events.map((event) => (
            <li key={event.id} className={styles.event}>
              <FaceThumb src={cropOf(event)} alt="" name={event.externalKey} size={32} />
              <span className={styles.eventName}>{nameOf(event)}</span>
              <Badge tone={TONES[event.result]}>{t(`live:result.${event.result}`)}</Badge>
              <time dateTime={event.time} className={styles.when}>
                {format.ago(event.time)}
              </time>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
