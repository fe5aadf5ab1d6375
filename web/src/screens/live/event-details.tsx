import { Check, GitMerge, ImagePlus, Trash2, UserPen, UserPlus } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useCollection } from '../../api/collection.tsx';
import { useMe } from '../../api/session.ts';
import { useFormat } from '../../i18n/format.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Fact, Facts } from '../../ui/card.tsx';
import { CopyButton } from '../../ui/copy.tsx';
import { FaceThumb } from '../../ui/face-image.tsx';
import { Quality } from '../../ui/quality.tsx';
import { Similarity } from '../../ui/similarity.tsx';
import { Note } from '../../ui/states.tsx';
import { useMemberNames } from '../api-keys/keys-data.ts';
import type { Correction } from './corrections.ts';
import type { FaceEvent } from './event.ts';
import { cropOf, thumbnailOf } from './event-calls.ts';
import { canConfirm, canCorrect, canEnrol, TONES, useEventName, useRefusalText } from './event-words.ts';
import styles from './live.module.css';

export type EventAct = 'confirm' | 'add' | 'reassign' | 'merge' | 'delete' | 'enrol';

export function actsOf(event: FaceEvent, mark: Correction | null): readonly EventAct[] {
  if (mark?.kind === 'deleted' || mark?.kind === 'enrolled') return [];
  if (canEnrol(event)) return ['enrol'];
  if (!canCorrect(event)) return [];
  const acts: EventAct[] = [];
  const isConfirmed = mark?.kind === 'confirmed' || event.review?.state === 'confirmed';
  if (canConfirm(event) && !isConfirmed) acts.push('confirm');
  acts.push('reassign');
  if (event.hasCrop && event.externalKey !== null && event.type !== 'enroll' && event.type !== 'index') {
    acts.push('add');
  }
  if (event.externalKey !== null) acts.push('merge');
  acts.push('delete');
  return acts;
}

const KEYS: Readonly<Record<EventAct, string>> = {
  confirm: 'C',
  reassign: 'R',
  add: 'A',
  merge: 'M',
  delete: 'Del',
  enrol: 'E',
};

const ICONS = {
  confirm: Check,
  reassign: UserPen,
  add: ImagePlus,
  merge: GitMerge,
  delete: Trash2,
  enrol: UserPlus,
} as const;

interface EventDetailsProps {
  readonly event: FaceEvent;
  readonly mark: Correction | null;
  readonly onAct: (act: EventAct) => void;
  readonly hasKeys: boolean;
}

function Face({ src, name, label }: { src: string | null; name: string | null; label: string }) {
  return (
    <figure className={styles.face}>
      <FaceThumb src={src} alt={label} name={name} size={132} />
      <figcaption>{label}</figcaption>
    </figure>
  );
}

function Id({ value, label }: { readonly value: string; readonly label: string }) {
  return (
    <span className={styles.id}>
      <code>{value}</code>
      <CopyButton text={value} label={label} />
    </span>
  );
}

function ReviewNote({ review }: { readonly review: NonNullable<FaceEvent['review']> }) {
  const { t } = useTranslation('live');
  const format = useFormat();
  const me = useMe();
  const names = useMemberNames();
  const isMine = review.memberId === me.user_id;
  const name = isMine ? t('review.you') : (names.get(review.memberId) ?? t('review.other'));
  const time = format.dateTime(review.time);
  return <Note tone="ok">{t(`review.${review.state}`, { name, time })}</Note>;
}

export function EventDetails({ event, mark, onAct, hasKeys }: EventDetailsProps) {
  const { t } = useTranslation(['live', 'common']);
  const format = useFormat();
  const nameOf = useEventName();
  const refusalText = useRefusalText();
  const { collections } = useCollection();
  const collection = collections.find(({ collectionId }) => collectionId === event.collectionId);
  const keepsThumbnails = collection?.storeThumbnails === true;
  const { result, type, similarity, threshold, quality, qualityReasons, refusal } = event;
  const acts = actsOf(event, mark);
  const stored = keepsThumbnails ? thumbnailOf(event.collectionId, event.faceId) : null;
  const fact = (label: string, value: ReactNode) => <Fact label={label}>{value}</Fact>;
  return (
    <div className={styles.details}>
      <div className={styles.faces}>
        <Face src={cropOf(event)} name={event.externalKey} label={t('details.probe')} />
        {event.faceId !== null && <Face src={stored} name={event.externalKey} label={t('details.stored')} />}
      </div>
      <div className={styles.heading}>
        <p className={styles.bigName}>{nameOf(event)}</p>
        <Badge tone={TONES[result]}>{t(`result.${result}`)}</Badge>
      </div>
      {mark ? (
        <Note tone="ok">{t(`marked.${mark.kind}`, { name: mark.name ?? '' })}</Note>
      ) : (
        event.review && <ReviewNote review={event.review} />
      )}
      {refusal !== null && <Note tone="warn">{refusalText(refusal)}</Note>}
      {similarity !== null && <Similarity value={similarity} threshold={threshold} />}
      {similarity === null && result === 'no_match' && threshold !== null && (
        <p className={styles.words}>{t('details.noMatch', { threshold: format.score(threshold) })}</p>
      )}
      {acts.length > 0 && (
        <div className={styles.acts}>
          {acts.map((act, index) => (
            <Button
              key={act}
              size="sm"
              icon={ICONS[act]}
              variant={index === 0 ? 'primary' : 'secondary'}
              onPress={() => onAct(act)}
            >
              {t(`act.${act}`)}
              {hasKeys && (
                <kbd aria-hidden className={styles.key}>
                  {KEYS[act]}
                </kbd>
              )}
            </Button>
          ))}
        </div>
      )}
      <Facts>
        {fact(t('details.time'), format.exactTime(event.time))}
        {fact(t('details.type'), t(`type.${type}`))}
        {event.source !== null && fact(t('details.source'), event.source)}
        {event.collectionId !== null && fact(t('details.collection'), event.collectionId)}
        {fact(t('details.caller'), event.caller.name ?? t(`caller.${event.caller.kind}`))}
        {quality !== null &&
          fact(t('common:quality.label'), <Quality score={quality} reasons={qualityReasons} />)}
        {event.externalKey !== null && fact(t('details.externalKey'), event.externalKey)}
        {event.faceId !== null &&
          fact(t('details.faceId'), <Id value={event.faceId} label={t('details.faceId')} />)}
        {fact(t('details.eventId'), <Id value={event.id} label={t('details.eventId')} />)}
      </Facts>
    </div>
  );
}
