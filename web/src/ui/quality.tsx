import { useTranslation } from 'react-i18next';
import type { components } from '../api/schema.d.ts';
import { useFormat } from '../i18n/format.ts';
import { Badge, type Tone } from './badge.tsx';
import { cx } from './cx.ts';
import styles from './quality.module.css';

function useReasonText(): (reason: string) => string {
  const { t } = useTranslation();
  return (reason) => t(`quality.reason.${reason}` as 'quality.label', { defaultValue: reason });
}

function toneOf(score: number): Tone {
  if (score >= 70) return 'ok';
  return score >= 40 ? 'warn' : 'bad';
}

interface QualityProps {
  /** 0 to 100. */
  readonly score: number;
  readonly reasons?: readonly string[];
}

export function Quality({ score, reasons = [] }: QualityProps) {
  const format = useFormat();
  const textOf = useReasonText();
  return (
    <span className={styles.quality}>
      <Badge tone={toneOf(score)}>{format.number(Math.round(score))}</Badge>
      {reasons.map((reason) => (
        <span key={reason}>{textOf(reason)}</span>
      ))}
    </span>
  );
}

export type FaceQuality = components['schemas']['Quality'];

type Grade = 'good' | 'fair' | 'poor';

const GRADES: Readonly<Record<Tone, Grade | null>> = {
  ok: 'good',
  warn: 'fair',
  bad: 'poor',
  plain: null,
  accent: null,
};

export function QualityBadge({ score }: { readonly score: number | null }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (score === null) return <Badge>{t('quality.unknown')}</Badge>;
  const tone = toneOf(score);
  const text = format.number(Math.round(score));
  return <Badge tone={tone}>{t(`quality.${GRADES[tone] ?? 'fair'}`, { score: text })}</Badge>;
}

interface QualityDetailProps {
  readonly quality: FaceQuality | null | undefined;
  readonly isCompact?: boolean;
}

export function QualityDetail({ quality, isCompact = false }: QualityDetailProps) {
  const { t } = useTranslation();
  const textOf = useReasonText();
  const reasons = quality?.reasons ?? [];
  return (
    <div className={styles.detail}>
      <QualityBadge score={quality?.score ?? null} />
      {reasons.length > 0 && (
        <ul className={cx(styles.reasons, isCompact && styles.compact)}>
          {reasons.map((reason) => (
            <li key={reason}>
              <strong>{textOf(reason)}</strong>
              {!isCompact && <span>. {t(`quality.remedy.${reason}`)}</span>}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
