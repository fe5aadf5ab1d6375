import { ArrowLeft, Upload } from 'lucide-react';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'wouter';
import type { Collection } from '../../api/collection.tsx';
import { useMe } from '../../api/session.ts';
import { useFormat } from '../../i18n/format.ts';
import { Button, ButtonLink } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { cx } from '../../ui/cx.ts';
import { Checkbox } from '../../ui/field.tsx';
import { ImageDrop } from '../../ui/image-drop.tsx';
import type { PickedFile } from '../../ui/images.ts';
import { Bar, Page } from '../../ui/page.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { Note } from '../../ui/states.tsx';
import { VirtualGrid } from '../../ui/virtual-grid.tsx';
import { addUploads } from '../../uploads/uploads.ts';
import styles from './add-people.module.css';
import { guessedSource, type NameRules, type PlannedFile, planFiles } from './names.ts';

interface Group {
  readonly externalKey: string;
  readonly problem: PlannedFile['problem'];
  readonly files: readonly PlannedFile[];
}

function groupsOf(plan: readonly PlannedFile[]): Group[] {
  const groups = new Map<string, PlannedFile[]>();
  for (const file of plan) {
    const id = JSON.stringify([file.problem, file.problem === null ? file.externalKey : file.path]);
    groups.set(id, [...(groups.get(id) ?? []), file]);
  }
  return [...groups.values()]
    .map((files) => ({
      externalKey: files[0]?.externalKey ?? '',
      problem: files[0]?.problem ?? null,
      files,
    }))
    .sort((a, b) => Number(a.problem === null) - Number(b.problem === null));
}

export function AddPeople({ collection }: { readonly collection: Collection }) {
  const { t } = useTranslation(['people', 'common']);
  const format = useFormat();
  const me = useMe();
  const [, navigate] = useLocation();
  const [files, setFiles] = useState<readonly PickedFile[]>([]);
  const [rules, setRules] = useState<NameRules>({ source: 'file', isPlain: false, dropsNumber: true });
  const [isStarting, setIsStarting] = useState(false);
  const plan = useMemo(() => planFiles(files, rules), [files, rules]);
  const groups = useMemo(() => groupsOf(plan), [plan]);
  const good = useMemo(() => plan.filter(({ problem }) => problem === null), [plan]);
  const people = groups.filter(({ problem }) => problem === null).length;
  const refused = plan.length - good.length;
  const hasNameProblem = groups.some(({ problem }) => problem === 'space' || problem === 'characters');

  const pick = (picked: readonly PickedFile[]) => {
    const all = [...files, ...picked];
    setFiles(all);
    if (files.length === 0) setRules((previous) => ({ ...previous, source: guessedSource(all) }));
  };
  const start = async () => {
    setIsStarting(true);
    try {
      await addUploads(me.user_id, collection.collectionId, good);
      navigate('/people/uploads');
    } finally {
      setIsStarting(false);
    }
  };
  return (
    <Page
      title={t('add.title')}
      hint={t('add.hint', { collection: collection.collectionId })}
      actions={
        <ButtonLink href="/people" icon={ArrowLeft}>
          {t('title')}
        </ButtonLink>
      }
    >
      <ImageDrop
        label={t('add.drop')}
        hint={t('add.dropHint')}
        onFiles={pick}
        takesFolder
        isCompact={files.length > 0}
      />
      {files.length > 0 && (
        <>
          <Card title={t('add.names')}>
            <div className={styles.rules}>
              <Segmented
                label={t('add.source.label')}
                options={[
                  { value: 'folder', label: t('add.source.folder') },
                  { value: 'file', label: t('add.source.file') },
                ]}
                value={rules.source}
                onChange={(source) => setRules({ ...rules, source })}
              />
              {rules.source === 'file' && (
                <Checkbox
                  isSelected={rules.dropsNumber}
                  onChange={(dropsNumber) => setRules({ ...rules, dropsNumber })}
                  hint={t('add.numberHint')}
                >
                  {t('add.number')}
                </Checkbox>
              )}
              <Checkbox
                isSelected={rules.isPlain}
                onChange={(isPlain) => setRules({ ...rules, isPlain })}
                hint={t('add.plainHint')}
              >
                {t('add.plain')}
              </Checkbox>
            </div>
          </Card>
          {hasNameProblem && !rules.isPlain && (
            <Note
              tone="warn"
              title={t('add.refusedNames')}
              action={
                <Button size="sm" onPress={() => setRules({ ...rules, isPlain: true })}>
                  {t('add.plain')}
                </Button>
              }
            >
              {t('name.rule')}
            </Note>
          )}
          <Bar>
            <p role="status" className={styles.summary}>
              {t('add.summary', {
                photos: t('photoCount', { count: good.length, number: format.number(good.length) }),
                people: t('count', { count: people, number: format.number(people) }),
              })}
              {refused > 0 && ` ${t('add.refused', { count: refused, number: format.number(refused) })}`}
            </p>
            <Button onPress={() => setFiles([])}>{t('common:action.clear')}</Button>
            <Button
              variant="primary"
              icon={Upload}
              isDisabled={good.length === 0}
              isPending={isStarting}
              onPress={() => void start()}
            >
              {t('add.start', { count: good.length, number: format.number(good.length) })}
            </Button>
          </Bar>
          <Card hasPadding={false}>
            <VirtualGrid
              label={t('add.preview')}
              items={groups}
              keyOf={({ externalKey, problem, files: [first] }) =>
                problem === null ? `good ${externalKey}` : `bad ${first?.path}`
              }
              cellWidth={0}
              rowHeight={52}
              gap={0}
            >
              {(group) => <PreviewRow group={group} />}
            </VirtualGrid>
          </Card>
        </>
      )}
    </Page>
  );
}

function PreviewRow({ group }: { readonly group: Group }) {
  const { t } = useTranslation('people');
  const { externalKey, problem, files } = group;
  const folders = new Set(files.map(({ path }) => path.slice(0, path.lastIndexOf('/') + 1)));
  const isFile = problem === 'type' || problem === 'size' || problem === 'empty';
  return (
    <div className={cx(styles.row, problem !== null && styles.bad)}>
      <span className={styles.path}>
        {files.length === 1 ? files[0]?.path : [...folders].slice(0, 2).join(', ') || files[0]?.path}
      </span>
      <span className={styles.arrow} aria-hidden>
        →
      </span>
      <span className={styles.key}>
        {problem === null || !isFile ? externalKey || t('add.noName') : t('add.skipped')}
        {problem !== null && (
          <span className={styles.problem}>
            {isFile ? t(`file.problem.${problem}`) : t(`name.problem.${problem}`)}
          </span>
        )}
      </span>
      <span className={styles.count}>
        {problem === null && t('photoCount', { count: files.length, number: String(files.length) })}
      </span>
    </div>
  );
}
