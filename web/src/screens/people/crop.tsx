import { useState } from 'react';
import { cx } from '../../ui/cx.ts';
import styles from './crop.module.css';
import { thumbnailUrl } from './people-data.ts';

interface CropProps {
  readonly collectionId: string;
  readonly faceId: string;
  readonly hasThumbnail: boolean;
  readonly name: string | null;
  readonly className?: string;
}

function initialsOf(name: string): string {
  const parts = name.match(/[\p{L}\p{N}]+/gu) ?? [];
  const letters = parts.length > 1 ? parts.slice(0, 2).map((part) => part[0]) : [parts[0]?.slice(0, 2)];
  return letters.join('').toUpperCase();
}

export function Crop({ collectionId, faceId, hasThumbnail, name, className }: CropProps) {
  const src = hasThumbnail ? thumbnailUrl(collectionId, faceId) : null;
  const [failed, setFailed] = useState<string | null>(null);
  if (src !== null && src !== failed) {
    return (
      <img
        src={src}
        alt=""
        loading="lazy"
        decoding="async"
        className={cx(styles.crop, className)}
        onError={() => setFailed(src)}
      />
    );
  }
  return (
    <span className={cx(styles.crop, styles.initials, className)} aria-hidden>
      <svg viewBox="0 0 48 48" className={styles.corners} role="presentation">
        <path d="M2 11V6a4 4 0 0 1 4-4h5M37 2h5a4 4 0 0 1 4 4v5M46 37v5a4 4 0 0 1-4 4h-5M11 46H6a4 4 0 0 1-4-4v-5" />
      </svg>
      {(name && initialsOf(name)) || '?'}
    </span>
  );
}
