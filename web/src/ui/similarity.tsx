import { Meter } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../i18n/format.ts';
import { cx } from './cx.ts';
import styles from './similarity.module.css';

interface SimilarityProps {
  /** 0 to 100. */
  readonly value: number;
  /** 0 to 100; marked on the scale. */
  readonly threshold?: number | null;
  readonly isCompact?: boolean;
}

export function Similarity({ value, threshold = null, isCompact = false }: SimilarityProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const isMatch = threshold !== null && value >= threshold;
  const score = format.score(value);
  const words =
    threshold === null
      ? score
      : t(isMatch ? 'similarity.match' : 'similarity.noMatch', { score, threshold: format.score(threshold) });
  return (
    <Meter
      aria-label={t('similarity.label')}
      value={value}
      valueLabel={words}
      className={cx(styles.meter, isCompact && styles.compact)}
    >
      <span className={cx(styles.value, threshold !== null && (isMatch ? styles.ok : styles.warn))}>
        {score}
      </span>
      <span className={styles.bar}>
        <span
          className={cx(styles.fill, threshold !== null && (isMatch ? styles.okFill : styles.warnFill))}
          style={{ width: `${Math.min(100, value)}%` }}
        />
        {threshold !== null && <span className={styles.mark} style={{ left: `${threshold}%` }} />}
      </span>
      {!isCompact && threshold !== null && <span className={styles.words}>{words}</span>}
    </Meter>
  );
}
