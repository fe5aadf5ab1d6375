import { Check, Clock, Undo2 } from 'lucide-react';
import { memo } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../../i18n/format.ts';
import { Badge } from '../../ui/badge.tsx';
import { cx } from '../../ui/cx.ts';
import { FaceThumb } from '../../ui/face-image.tsx';
import { Similarity } from '../../ui/similarity.tsx';
import type { Correction, CorrectionKind } from './corrections.ts';
import type { FaceEvent, ReviewState } from './event.ts';
import { cropOf } from './event-calls.ts';
import { TONES, useEventName } from './event-words.ts';
import styles from './live.module.css';

interface EventRowProps {
  readonly event: FaceEvent;
  readonly mark: Correction | null;
  readonly isSelected: boolean;
  readonly onSelect: (event: FaceEvent) => void;
}

function MarkText({ kind, name, isPending }: Pick<Correction, 'name' | 'isPending'> & { kind: MarkKind }) {
  const { t } = useTranslation('live');
  const Icon = isPending ? Clock : kind === 'confirmed' ? Check : Undo2;
  return (
    <span className={styles.mark}>
      <Icon aria-hidden size={12} />
      {t(`mark.${kind}`, { name: name ?? '' })}
    </span>
  );
}

type MarkKind = CorrectionKind | ReviewState;

export const EventRow = memo(function EventRow({ event, mark, isSelected, onSelect }: EventRowProps) {
  const { t } = useTranslation('live');
  const format = useFormat();
  const nameOf = useEventName();
  const { time, type, result, similarity, threshold, source, caller, review } = event;
  const name = nameOf(event);
  const isToday = new Date(time).toDateString() === new Date().toDateString();
  return (
    <button
      type="button"
      data-event={event.id}
      aria-current={isSelected || undefined}
      className={cx(styles.row, isSelected && styles.selected)}
      onClick={() => onSelect(event)}
    >
      <FaceThumb src={cropOf(event)} alt="" name={event.externalKey} size={40} />
      <span className={styles.who}>
        <span className={cx(styles.name, event.externalKey === null && styles.faint)}>{name}</span>
        <span className={styles.what}>
          {mark ? (
            <MarkText kind={mark.kind} name={mark.name} isPending={mark.isPending} />
          ) : review ? (
            <MarkText kind={review.state} name={null} isPending={false} />
          ) : (
            <>
              {t(`type.${type}`)}
              {source !== null && <span className={styles.whatSource}> · {source}</span>}
              {caller.name !== null && ` · ${caller.name}`}
            </>
          )}
        </span>
      </span>
      <span className={styles.result}>
        <Badge tone={TONES[result]}>{t(`result.${result}`)}</Badge>
      </span>
      <span className={styles.score}>
        {similarity !== null ? (
          <Similarity value={similarity} threshold={threshold} isCompact />
        ) : (
          result === 'no_match' &&
          threshold !== null && (
            <span className={styles.faint}>{t('below', { threshold: format.score(threshold) })}</span>
          )
        )}
      </span>
      <span className={styles.source}>{source}</span>
      <time dateTime={time} className={styles.time}>
        {isToday ? format.time(time) : format.dateTime(time)}
      </time>
    </button>
  );
});
