import { type MouseEvent, memo } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { useFormat } from '../../i18n/format.ts';
import { cx } from '../../ui/cx.ts';
import { Crop } from './crop.tsx';
import { type Person, type PersonSort, personPath } from './people-data.ts';
import styles from './person-card.module.css';

interface PersonCardProps {
  readonly person: Person;
  readonly collectionId: string;
  readonly sort: PersonSort | 'similarity';
  readonly similarity?: number | undefined;
  readonly isFlat: boolean;
  readonly isSelected: boolean;
  readonly isSelecting: boolean;
  readonly index: number;
  readonly onToggle: (index: number, isRange: boolean) => void;
}

/** Renders again only with other properties, since a scrolling grid renders at each frame. */
export const PersonCard = memo(function PersonCard(props: PersonCardProps) {
  const { person, collectionId, sort, similarity, isFlat, isSelected, isSelecting, index, onToggle } = props;
  const { t } = useTranslation('people');
  const format = useFormat();
  const { externalKey, faceId, hasThumbnail, faceCount, lastSeenAt, quality, createdAt } = person;
  const details = {
    externalKey: () => t('faces', { count: faceCount }),
    faceCount: () => t('faces', { count: faceCount }),
    lastSeenAt: () =>
      lastSeenAt === null ? t('seen.never') : t('seen.ago', { ago: format.ago(lastSeenAt) }),
    quality: () =>
      quality === null
        ? t('qualityUnknown')
        : t('qualityScore', { score: format.number(Math.round(quality)) }),
    createdAt: () => t('addedAgo', { ago: format.ago(createdAt) }),
    similarity: () =>
      similarity === undefined ? '' : t('similarityScore', { score: format.score(similarity) }),
  };
  const open = (event: MouseEvent) => {
    if (!event.shiftKey) return;
    event.preventDefault();
    onToggle(index, true);
  };
  return (
    <article className={cx(styles.card, isFlat && styles.flat, isSelected && styles.selected)}>
      <Link
        href={personPath(externalKey)}
        data-card
        className={styles.link}
        onClick={open}
        onKeyDown={(event) => {
          if (event.key !== ' ' && event.key !== 'x') return;
          event.preventDefault();
          onToggle(index, event.shiftKey);
        }}
      >
        <span className={styles.crop}>
          <Crop collectionId={collectionId} faceId={faceId} hasThumbnail={hasThumbnail} name={externalKey} />
        </span>
        <span className={styles.text}>
          <span className={styles.name}>{externalKey}</span>
          <span className={styles.detail}>{details[sort]()}</span>
        </span>
      </Link>
      <label className={cx(styles.check, isSelecting && styles.shown)}>
        <input
          type="checkbox"
          checked={isSelected}
          aria-label={t('select', { name: externalKey })}
          onChange={(event) =>
            onToggle(index, (event.nativeEvent as unknown as MouseEvent).shiftKey === true)
          }
        />
      </label>
    </article>
  );
});
