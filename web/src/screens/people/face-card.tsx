import { Ellipsis, Move, ScanSearch, Trash2, UserPen } from 'lucide-react';
import type { MouseEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../../i18n/format.ts';
import { IconButton } from '../../ui/button.tsx';
import { cx } from '../../ui/cx.ts';
import { Menu, MenuAction, MenuLine } from '../../ui/menu.tsx';
import { QualityDetail } from '../../ui/quality.tsx';
import { Crop } from './crop.tsx';
import styles from './face-card.module.css';
import type { StoredFace } from './people-data.ts';

interface FaceCardProps {
  readonly face: StoredFace;
  readonly collectionId: string;
  readonly isSelected: boolean;
  readonly onToggle: (isRange: boolean) => void;
  readonly onMove: () => void;
  readonly onDelete: () => void;
}

export function FaceCard({ face, collectionId, isSelected, onToggle, onMove, onDelete }: FaceCardProps) {
  const { t } = useTranslation(['people', 'common']);
  const format = useFormat();
  const { faceId, externalKey, createdAt, quality, hasThumbnail } = face;
  const title = t('face.added', { time: format.dateTime(createdAt) });
  const similar = `/people?${new URLSearchParams({ like: faceId, of: externalKey ?? t('face.unnamed') })}`;
  return (
    <article className={cx(styles.card, isSelected && styles.selected)} aria-label={title}>
      <label className={styles.crop}>
        <Crop collectionId={collectionId} faceId={faceId} hasThumbnail={hasThumbnail} name={externalKey} />
        <input
          type="checkbox"
          className={styles.check}
          checked={isSelected}
          aria-label={t('face.select', { title })}
          onChange={(event) => onToggle((event.nativeEvent as unknown as MouseEvent).shiftKey === true)}
        />
      </label>
      <div className={styles.body}>
        <div className={styles.head}>
          <span className={styles.time}>{format.dateTime(createdAt)}</span>
          <Menu
            label={t('face.menu')}
            trigger={<IconButton icon={Ellipsis} size="sm" label={t('face.menu')} />}
          >
            <MenuAction
              icon={externalKey === null ? UserPen : Move}
              label={t(externalKey === null ? 'face.name' : 'face.move')}
              onAction={onMove}
            />
            <MenuAction icon={ScanSearch} label={t('face.similar')} href={similar} />
            <MenuLine />
            <MenuAction icon={Trash2} label={t('common:action.delete')} isDanger onAction={onDelete} />
          </Menu>
        </div>
        <QualityDetail quality={quality} />
      </div>
    </article>
  );
}
