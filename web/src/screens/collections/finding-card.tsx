import { ArrowRight, Check, Eye, GitMerge, type LucideIcon, Split, Undo2, UserMinus, X } from 'lucide-react';
import { useId } from 'react';
import { Link } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../../i18n/format.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { QualityDetail } from '../../ui/quality.tsx';
import { Similarity } from '../../ui/similarity.tsx';
import { oneIn } from '../../ui/stranger-odds.ts';
import { Crop } from '../people/crop.tsx';
import { personPath } from '../people/people-data.ts';
import styles from './examination.module.css';
import type { ChangeOfFinding, Finding } from './examination-data.ts';

/** Images of one side. */
const SHOWN = 6;
/** The service changes at most this many faces at once. */
const MAX_FACES = 256;
/** Below, the sentence says "fewer than". */
const LEAST_RATE = 1e-4;

const ICONS: Readonly<Record<string, LucideIcon>> = { merge: GitMerge, split: Split, 're-enrol': UserMinus };

interface FindingCardProps {
  readonly finding: Finding;
  readonly collectionId: string;
  readonly hasThumbnails: boolean;
  readonly isPending: boolean;
  readonly onChange: (what: ChangeOfFinding) => void;
}

/** Names for a sentence; a long list ends after three. */
export function useNames(): (names: readonly (string | null)[]) => string {
  const { t } = useTranslation('collections');
  const { locale } = useFormat();
  return (names) => {
    const different = [...new Set(names)].map((name) => name ?? t('check.unnamed'));
    const shown =
      different.length > 3
        ? [...different.slice(0, 2), t('check.more', { count: different.length - 2 })]
        : different;
    return new Intl.ListFormat(locale, { type: 'conjunction' }).format(shown);
  };
}

function Side({
  group,
  collectionId,
  hasThumbnails,
  isChange,
}: {
  readonly group: Finding['groups'][number];
  readonly collectionId: string;
  readonly hasThumbnails: boolean;
  readonly isChange: boolean;
}) {
  const { t } = useTranslation('collections');
  const { externalKey, newExternalKey, faceCount, faceIds } = group;
  const shown = faceIds.slice(0, SHOWN);
  const isRenamed = isChange && newExternalKey !== externalKey;
  return (
    <li className={styles.side}>
      <div className={styles.crops}>
        {shown.map((faceId) => (
          <span key={faceId} className={styles.crop}>
            <Crop
              collectionId={collectionId}
              faceId={faceId}
              hasThumbnail={hasThumbnails}
              name={externalKey}
            />
          </span>
        ))}
        {faceCount > shown.length && shown.length > 0 && (
          <span className={styles.rest}>+{faceCount - shown.length}</span>
        )}
      </div>
      <p className={styles.name}>
        {externalKey === null ? (
          t('check.unnamed')
        ) : (
          <Link href={personPath(externalKey)} className={styles.link}>
            {externalKey}
          </Link>
        )}
      </p>
      <p className={styles.detail}>{t('check.faces', { count: faceCount })}</p>
      {isChange && (
        <p className={isRenamed ? styles.becomes : styles.detail}>
          {isRenamed && <ArrowRight aria-hidden size={13} />}
          {t(isRenamed ? 'check.becomes' : 'check.stays', { name: newExternalKey })}
        </p>
      )}
    </li>
  );
}

export function FindingCard({ finding, collectionId, hasThumbnails, isPending, onChange }: FindingCardProps) {
  const { t } = useTranslation(['collections', 'common']);
  const format = useFormat();
  const titleId = useId();
  const namesOf = useNames();
  const { kind, state, proposal, groups, similarity, errorRate, falseAlarms, quality } = finding;
  const count = groups.reduce((sum, { faceCount }) => sum + faceCount, 0);
  const isOpen = state === 'open';
  const isLarge = count > MAX_FACES;
  const isChange = proposal === 'merge' || proposal === 'split';
  const why = [
    t(`check.why.${kind}`, { count: groups.length }),
    errorRate !== null &&
      t(errorRate < LEAST_RATE ? 'check.fewerWrong' : 'check.wrong', {
        number: format.number(errorRate < LEAST_RATE ? 1 / LEAST_RATE : oneIn(errorRate)),
      }),
    falseAlarms !== null &&
      t(falseAlarms < LEAST_RATE ? 'check.fewerAlarms' : 'check.alarms', {
        number: format.number(falseAlarms < LEAST_RATE ? 1 / LEAST_RATE : oneIn(falseAlarms)),
      }),
  ].filter(Boolean);
  return (
    <article className={styles.finding} aria-labelledby={titleId}>
      <header className={styles.head}>
        <h2 id={titleId} className={styles.title}>
          {t(`check.finding.${kind}`, {
            count: groups.length,
            names: namesOf(groups.map(({ externalKey }) => externalKey)),
          })}
        </h2>
        {state === 'outdated' && <Badge tone="warn">{t('check.outdated')}</Badge>}
        {state === 'dismissed' && <Badge>{t('check.dismissed')}</Badge>}
        {state === 'applied' && (
          <span className={styles.done}>
            <Check aria-hidden size={15} />
            {t(`check.done.${proposal ?? 'merge'}`)}
          </span>
        )}
      </header>
      <ul className={styles.sides}>
        {groups.map((group, index) => (
          <Side
            key={`${group.externalKey} ${group.faceIds[0] ?? index}`}
            group={group}
            collectionId={collectionId}
            hasThumbnails={hasThumbnails}
            isChange={isChange && isOpen}
          />
        ))}
      </ul>
      {similarity !== null && (
        <div className={styles.similarity}>
          <span>{t('common:similarity.label')}</span>
          <Similarity value={similarity} isCompact />
        </div>
      )}
      {quality && <QualityDetail quality={quality as never} />}
      <p className={styles.why}>{why.join(' ')}</p>
      {isOpen && isLarge && proposal !== null && <p className={styles.why}>{t('check.tooLarge')}</p>}
      <div className={styles.actions}>
        {isOpen && proposal !== null && (
          <Button
            size="sm"
            icon={ICONS[proposal]}
            onPress={() => onChange('apply')}
            isPending={isPending}
            isDisabled={isLarge}
            aria-describedby={titleId}
          >
            {t(`check.apply.${proposal}`)}
          </Button>
        )}
        {isOpen && (
          <Button
            size="sm"
            icon={X}
            onPress={() => onChange('dismiss')}
            isPending={isPending}
            aria-describedby={titleId}
          >
            {t('check.dismiss')}
          </Button>
        )}
        {(state === 'applied' || state === 'dismissed') && (
          <Button
            size="sm"
            icon={state === 'applied' ? Undo2 : Eye}
            onPress={() => onChange(state === 'applied' ? 'undo' : 'restore')}
            isPending={isPending}
            aria-describedby={titleId}
          >
            {t(state === 'applied' ? 'common:action.undo' : 'check.restore')}
          </Button>
        )}
      </div>
    </article>
  );
}
