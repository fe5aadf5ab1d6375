import { ChevronLeft, ChevronRight } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { useFormat } from '../../i18n/format.ts';
import { Badge } from '../../ui/badge.tsx';
import { IconButton } from '../../ui/button.tsx';
import { Card, Fact, Facts } from '../../ui/card.tsx';
import { FaceThumb } from '../../ui/face-image.tsx';
import { QualityDetail } from '../../ui/quality.tsx';
import { Similarity } from '../../ui/similarity.tsx';
import { personPath, thumbnailUrl } from '../people/people-data.ts';
import type { FaceMatch, Liveness, SeenFace } from './calls.ts';
import styles from './try-it.module.css';

type LivenessState = Liveness | 'other' | 'none' | 'waits' | 'failed';

function LivenessFact({ liveness }: { readonly liveness: LivenessState }) {
  const { t } = useTranslation(['try-it', 'common']);
  const format = useFormat();
  if (typeof liveness === 'string') return <>{t(`live.${liveness}`)}</>;
  const { isLive, confidence, spoofType } = liveness;
  return (
    <>
      <Badge tone={isLive ? 'ok' : 'bad'}>
        {isLive ? t('live.yes') : spoofType ? t(`live.${spoofType}`) : t('live.no')}
      </Badge>
      {confidence !== null && (
        <span className={styles.sure}> {t('live.sure', { percent: format.percent(confidence) })}</span>
      )}
    </>
  );
}

interface FacePanelProps {
  readonly face: SeenFace;
  readonly number: number;
  readonly count: number;
  readonly onStep: (step: 1 | -1) => void;
  readonly matches: readonly FaceMatch[] | null;
  readonly threshold: number;
  readonly collectionId: string | null;
  readonly liveness: LivenessState;
}

export function FacePanel(props: FacePanelProps) {
  const { face, number, count, onStep, matches, threshold, collectionId, liveness } = props;
  const { t } = useTranslation(['try-it', 'common']);
  const format = useFormat();
  const { pose, quality, confidence, boundingBox } = face;
  const degrees = (value: number) => format.number(Math.abs(Math.round(value)));
  return (
    <Card
      title={t('face.title', { number, count })}
      actions={
        count > 1 && (
          <>
            <IconButton icon={ChevronLeft} size="sm" label={t('face.previous')} onPress={() => onStep(-1)} />
            <IconButton icon={ChevronRight} size="sm" label={t('face.next')} onPress={() => onStep(1)} />
          </>
        )
      }
    >
      {matches !== null && (
        <section aria-label={t('matches.title')} className={styles.matches}>
          {matches.length === 0 ? (
            <p className={styles.noMatch}>{t('matches.none', { threshold: format.score(threshold) })}</p>
          ) : (
            <ol className={styles.list}>
              {matches.map(({ faceId, externalKey, similarity }) => (
                <li key={faceId} className={styles.match}>
                  <FaceThumb
                    src={collectionId === null ? null : thumbnailUrl(collectionId, faceId)}
                    alt=""
                    name={externalKey}
                    size={44}
                  />
                  <div className={styles.who}>
                    {externalKey === null ? (
                      <span className={styles.name}>{t('unnamed')}</span>
                    ) : (
                      <Link href={personPath(externalKey)} className={styles.name}>
                        {externalKey}
                      </Link>
                    )}
                    <Similarity value={similarity} threshold={threshold} isCompact />
                  </div>
                </li>
              ))}
            </ol>
          )}
        </section>
      )}
      <Facts>
        <Fact label={t('fact.quality')}>
          <QualityDetail quality={quality} />
        </Fact>
        <Fact label={t('fact.liveness')}>
          <LivenessFact liveness={liveness} />
        </Fact>
        <Fact label={t('fact.pose')}>
          {pose
            ? [
                t(pose.yaw < 0 ? 'pose.left' : 'pose.right', { degrees: degrees(pose.yaw) }),
                t(pose.pitch < 0 ? 'pose.down' : 'pose.up', { degrees: degrees(pose.pitch) }),
                t('pose.tilt', { degrees: degrees(pose.roll) }),
              ].join(', ')
            : t('pose.unknown')}
        </Fact>
        <Fact label={t('fact.confidence')}>{format.percent(confidence)}</Fact>
        <Fact label={t('fact.size')}>
          {t('size', { width: Math.round(boundingBox.width), height: Math.round(boundingBox.height) })}
        </Fact>
      </Facts>
    </Card>
  );
}
