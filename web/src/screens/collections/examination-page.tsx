/** "Check for mistakes": what an examination of the collection found. */
import { ArrowLeft, RotateCw, ShieldCheck, Undo2 } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { ProgressBar } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { Collection } from '../../api/collection.tsx';
import { useFormat } from '../../i18n/format.ts';
import { Button, ButtonLink } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { Page } from '../../ui/page.tsx';
import { EmptyState, ErrorState, Note, SkeletonList, useErrorText } from '../../ui/states.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { toast } from '../../ui/toast.tsx';
import styles from './examination.module.css';
import {
  type ChangeOfFinding,
  changeFinding,
  type Examination,
  type FindingKind,
  isUnderWay,
  KINDS,
  startExamination,
  useExamination,
  useFindings,
} from './examination-data.ts';
import { FindingCard, useNames } from './finding-card.tsx';

type Change = (what: ChangeOfFinding, findingId: string, kind: FindingKind) => Promise<void>;

function useChange(collectionId: string): {
  readonly pending: string | null;
  readonly change: Change;
} {
  const { t } = useTranslation('collections');
  const textOf = useErrorText();
  const [pending, setPending] = useState<string | null>(null);
  const change: Change = async (what, findingId, kind) => {
    setPending(findingId);
    try {
      await changeFinding(what, collectionId, findingId);
      if (what === 'undo' || what === 'restore') {
        toast.done(t(what === 'undo' ? 'check.undone' : 'check.restored'));
        return;
      }
      const [text, undo] =
        what === 'apply'
          ? ([t(`check.applied.${kind}`), 'undo'] as const)
          : ([t('check.dismissedDone'), 'restore'] as const);
      toast.undoable({ text, commit: () => {}, undo: () => void change(undo, findingId, kind) });
    } catch (cause) {
      toast.failed(t(`check.failed.${what}`, { reason: textOf(cause) }));
    } finally {
      setPending(null);
    }
  };
  return { pending, change };
}

interface FindingsProps {
  readonly collection: Collection;
  readonly kind: FindingKind;
  readonly report: Examination;
  readonly pending: string | null;
  readonly change: Change;
}

function Findings({ collection, kind, report, pending, change }: FindingsProps) {
  const { t } = useTranslation(['collections', 'common']);
  const { collectionId, storeThumbnails } = collection;
  const list = useFindings(collectionId, kind, report.startedAt);
  if (list.isPending) return <SkeletonList rows={3} />;
  if (list.error) return <ErrorState error={list.error} onRetry={() => void list.refetch()} />;
  const findings = list.data.pages.flatMap((page) => page.findings);
  if (findings.length === 0)
    return <EmptyState title={t(`check.none.${kind}`)} icon={<ShieldCheck aria-hidden />} />;
  return (
    <>
      <p className={styles.hint}>
        {t(`check.hint.${kind}`)}{' '}
        {report.dismissed[kind] > 0 && t('check.dismissedCount', { count: report.dismissed[kind] })}
      </p>
      <ul className={styles.findings}>
        {findings.map((finding) => (
          <li key={finding.findingId}>
            <FindingCard
              finding={finding}
              collectionId={collectionId}
              hasThumbnails={storeThumbnails}
              isPending={pending === finding.findingId}
              onChange={(what) => void change(what, finding.findingId, kind)}
            />
          </li>
        ))}
      </ul>
      {list.hasNextPage && (
        <div className={styles.next}>
          <Button onPress={() => void list.fetchNextPage()} isPending={list.isFetchingNextPage}>
            {t('common:action.more')}
          </Button>
        </div>
      )}
    </>
  );
}

function Applied({
  report,
  pending,
  change,
}: {
  readonly report: Examination;
  readonly pending: string | null;
  readonly change: Change;
}) {
  const { t } = useTranslation(['collections', 'common']);
  const format = useFormat();
  const namesOf = useNames();
  return (
    <Card title={t('check.appliedTitle')} hint={t('check.appliedHint')} hasPadding={false}>
      <ul className={styles.applied}>
        {report.applied.map(({ findingId, kind, externalKeys, appliedAt, undoUntil }) => {
          const text = t(`check.appliedTo.${kind}`, {
            names: namesOf(externalKeys.length === 0 ? [null] : externalKeys),
          });
          return (
            <li key={findingId} className={styles.appliedRow}>
              <div>
                <p className={styles.name}>{text}</p>
                <p className={styles.detail}>
                  {t('check.until', { at: format.ago(appliedAt), until: format.dateTime(undoUntil) })}
                </p>
              </div>
              <Button
                size="sm"
                icon={Undo2}
                aria-label={`${t('common:action.undo')}: ${text}`}
                isPending={pending === findingId}
                onPress={() => void change('undo', findingId, kind)}
              >
                {t('common:action.undo')}
              </Button>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}

function Progress({ report, collection }: { readonly report: Examination; readonly collection: Collection }) {
  const { t } = useTranslation('collections');
  const format = useFormat();
  return (
    <Card>
      <p role="status">{t(report.state === 'waiting' ? 'check.waiting' : 'check.running')}</p>
      <ProgressBar
        aria-label={t('check.title')}
        value={report.progress * 100}
        className={styles.progress}
        valueLabel={format.percent(report.progress)}
      >
        {({ percentage = 0 }) => <span className={styles.fill} style={{ width: `${percentage}%` }} />}
      </ProgressBar>
      <p className={styles.detail}>{t('check.meanwhile', { count: collection.faceCount })}</p>
    </Card>
  );
}

export function ExaminationPage({ collection }: { readonly collection: Collection }) {
  const { t } = useTranslation(['collections', 'common']);
  const format = useFormat();
  const textOf = useErrorText();
  const { collectionId, storeThumbnails } = collection;
  const { data: report, error, refetch } = useExamination(collectionId);
  const { pending, change } = useChange(collectionId);
  const [isStarting, setIsStarting] = useState(false);
  const [chosen, setChosen] = useState<FindingKind | null>(null);

  const start = async () => {
    setIsStarting(true);
    setChosen(null);
    try {
      await startExamination(collectionId);
    } catch (cause) {
      toast.failed(textOf(cause));
    } finally {
      setIsStarting(false);
    }
  };
  const again = (
    <Button
      icon={RotateCw}
      onPress={() => void start()}
      isPending={isStarting}
      isDisabled={report !== undefined && isUnderWay(report)}
    >
      {t('check.again')}
    </Button>
  );

  const content = (): ReactNode => {
    if (error && !report) return <ErrorState error={error} onRetry={() => void refetch()} />;
    if (!report) return <SkeletonList />;
    if (isUnderWay(report)) return <Progress report={report} collection={collection} />;
    if (report.state !== 'done') {
      return (
        <Note tone="bad" title={t('check.stopped')}>
          {t('check.stoppedText')}
        </Note>
      );
    }
    const found =
      KINDS.find((kind) => report.counts[kind] > 0) ?? KINDS.find((kind) => report.dismissed[kind] > 0);
    const checked = t('check.checked', {
      people: format.number(report.people),
      faces: t('check.faces', { count: report.faces }),
      ago: format.ago(report.endedAt ?? report.startedAt ?? Date.now()),
    });
    if (found === undefined) {
      return (
        <EmptyState title={t('check.clean')} icon={<ShieldCheck aria-hidden />}>
          {report.faces === 0 ? t('check.empty') : checked}
        </EmptyState>
      );
    }
    return (
      <>
        <p className={styles.hint}>{checked}</p>
        {!storeThumbnails && <Note>{t('check.noImages')}</Note>}
        <Tabs
          label={t('check.kinds')}
          selected={chosen ?? found}
          onSelect={setChosen}
          tabs={KINDS.map((kind) => ({
            id: kind,
            title: `${t(`check.kind.${kind}`)} (${format.number(report.counts[kind])})`,
            content: <Findings {...{ collection, kind, report, pending, change }} />,
          }))}
        />
      </>
    );
  };
  return (
    <Page
      title={t('check.titleOf', { id: collectionId })}
      hint={t('check.pageHint')}
      actions={
        <>
          <ButtonLink href="/collections" icon={ArrowLeft}>
            {t('title')}
          </ButtonLink>
          {again}
        </>
      }
    >
      {content()}
      {report && report.applied.length > 0 && <Applied {...{ report, pending, change }} />}
    </Page>
  );
}
