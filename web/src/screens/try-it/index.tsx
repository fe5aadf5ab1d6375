import { useQuery } from '@tanstack/react-query';
import { ScanFace } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, call } from '../../api/client.ts';
import { useCollection } from '../../api/collection.tsx';
import { useFormat } from '../../i18n/format.ts';
import { ButtonLink } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { CodeBlock } from '../../ui/copy.tsx';
import { type FaceBox, FaceImage } from '../../ui/face-image.tsx';
import { ImageDrop } from '../../ui/image-drop.tsx';
import type { PickedFile } from '../../ui/images.ts';
import { Page } from '../../ui/page.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { Slider } from '../../ui/slider.tsx';
import { ErrorState, Note, SkeletonList } from '../../ui/states.tsx';
import { oneIn, strangerOdds, thresholdOfRate } from '../../ui/stranger-odds.ts';
import { checkLiveness, MAX_RESULTS, type SeenFace, seeFaces } from './calls.ts';
import { FacePanel } from './face-panel.tsx';
import { type Language, snippet } from './snippets.ts';
import styles from './try-it.module.css';

const DEFAULT_THRESHOLD = 80;
const LEAST_THRESHOLD = 40;
const MOST_THRESHOLD = 99;
/** The scale of error rates ends there. */
const SCALE_END = 95;

interface Probe {
  readonly file: File;
  readonly url: string;
  readonly id: number;
}

export function useOddsText(): (threshold: number, faces: number) => string {
  const { t } = useTranslation();
  const format = useFormat();
  return (threshold, faces) => {
    const odds = strangerOdds(threshold, faces);
    if (odds.kind === 'empty' || odds.kind === 'rare') return t(`odds.${odds.kind}`);
    return t(`odds.${odds.kind}`, { number: format.number(odds.count) });
  };
}

export default function TryIt() {
  const { t } = useTranslation(['try-it', 'common']);
  const { collection } = useCollection();
  const format = useFormat();
  const oddsOf = useOddsText();
  const [probe, setProbe] = useState<Probe | null>(null);
  const [selected, setSelected] = useState(0);
  const [language, setLanguage] = useState<Language>('curl');
  const collectionId = collection?.collectionId ?? null;
  const rate = collection?.faceMatchThreshold == null ? (collection?.maxFalsePositiveRate ?? null) : null;
  const rateThreshold = rate === null ? null : thresholdOfRate(rate, collection?.faceCount ?? 0);
  const wanted =
    rate === null ? (collection?.faceMatchThreshold ?? DEFAULT_THRESHOLD) : (rateThreshold ?? SCALE_END);
  const standard = Math.min(MOST_THRESHOLD, Math.max(LEAST_THRESHOLD, wanted));
  const [threshold, setThreshold] = useState(standard);
  const [asked, setAsked] = useState(standard);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another collection has another threshold.
  useEffect(() => {
    setThreshold(standard);
    setAsked(standard);
  }, [collectionId, standard]);
  useEffect(() => () => URL.revokeObjectURL(probe?.url ?? ''), [probe]);

  const { data: models } = useQuery({
    queryKey: ['models'],
    queryFn: ({ signal }) => call(api.GET('/v1/models', { signal })),
    staleTime: 60_000,
  });
  const model =
    models?.models.find((each) => each.model === collection?.model) ??
    models?.models.find(({ isDefault }) => isDefault);
  const faces = useQuery({
    queryKey: [collectionId, 'try-it', probe?.id, asked],
    queryFn: ({ signal }) => seeFaces(probe?.file as File, collectionId, asked, signal),
    enabled: probe !== null,
    placeholderData: (previous, query) => (query?.queryKey[2] === probe?.id ? previous : undefined),
    refetchOnWindowFocus: false,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  const liveness = useQuery({
    queryKey: [collectionId, 'try-it-liveness', probe?.id],
    queryFn: ({ signal }) => checkLiveness(probe?.file as File, model?.model ?? null, signal),
    enabled: probe !== null && model?.hasLiveness === true,
    refetchOnWindowFocus: false,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });

  const pick = ([first]: readonly PickedFile[]) => {
    if (!first) return;
    setSelected(0);
    setProbe({ file: first.file, url: URL.createObjectURL(first.file), id: Date.now() });
  };
  const matchesOf = ({ matches }: SeenFace) =>
    matches?.filter(({ similarity }) => similarity >= threshold) ?? null;
  const seen = faces.data?.faces ?? [];
  const boxes = seen.map((face, index): FaceBox => {
    const { x, y, width, height } = face.boundingBox;
    const matches = matchesOf(face);
    const best = matches?.[0];
    return {
      left: x,
      top: y,
      width,
      height,
      landmarks: face.landmarks ?? [],
      tone: matches === null ? 'plain' : best ? 'ok' : 'warn',
      label: best ? (best.externalKey ?? t('unnamed')) : String(index + 1),
    };
  });
  const face = seen[selected];
  const code = snippet(language, {
    origin: location.origin,
    collectionId,
    threshold,
    maxResults: MAX_RESULTS,
    fileName: probe?.file.name ?? 'photo.jpg',
    contentType: probe?.file.type || 'image/jpeg',
  });
  const noCollection = collection === null && (
    <Note
      action={
        <ButtonLink size="sm" href="/collections">
          {t('noCollection.action')}
        </ButtonLink>
      }
    >
      {t('noCollection.text')}
    </Note>
  );

  return (
    <Page title={t('title')} hint={t('hint')}>
      <ImageDrop
        label={probe ? t('drop.again') : t('drop.label')}
        hint={t('drop.hint')}
        onFiles={pick}
        isSingle
        isCompact={probe !== null}
      />
      {noCollection}
      <div className={styles.columns}>
        {probe && (
          <div className={styles.image}>
            <FaceImage
              key={probe.id}
              src={probe.url}
              alt={t('image', { name: probe.file.name })}
              boxes={boxes}
              selected={selected}
              onSelect={setSelected}
            />
            {faces.data && (
              <p role="status" className={styles.found}>
                {t('found', { count: seen.length })}
                {faces.data.unprocessedFaceCount > 0 &&
                  ` ${t('unprocessed', { count: faces.data.unprocessedFaceCount })}`}
              </p>
            )}
          </div>
        )}
        <div className={styles.side}>
          {collection && (
            <Card>
              <Slider
                label={t('threshold')}
                min={LEAST_THRESHOLD}
                max={MOST_THRESHOLD}
                value={threshold}
                marks={[70, 80, 90, 95]}
                onChange={setThreshold}
                onEnd={(value) => setAsked((lowest) => Math.min(lowest, value))}
                hint={
                  <>
                    <strong className={styles.odds} role="status">
                      {oddsOf(threshold, collection.faceCount)}
                    </strong>{' '}
                    {t('thresholdHint', { count: collection.faceCount, collection: collection.collectionId })}
                    {rate !== null &&
                      ` ${t(rateThreshold === null ? 'rateTooLow' : 'rateHint', {
                        rate: format.rate(rate),
                        number: format.number(oneIn(rate)),
                        threshold: format.number(standard),
                      })}`}
                  </>
                }
              />
            </Card>
          )}
          {faces.error ? (
            <ErrorState error={faces.error} onRetry={() => void faces.refetch()} />
          ) : probe && faces.isPending ? (
            <SkeletonList rows={4} />
          ) : face ? (
            <FacePanel
              face={face}
              number={selected + 1}
              count={seen.length}
              onStep={(step) => setSelected((selected + step + seen.length) % seen.length)}
              matches={matchesOf(face)}
              threshold={threshold}
              collectionId={collectionId}
              liveness={
                selected > 0
                  ? 'other'
                  : model?.hasLiveness === false
                    ? 'none'
                    : (liveness.data ?? (liveness.error ? 'failed' : 'waits'))
              }
            />
          ) : probe ? (
            <Note tone="warn" title={t('noFace.title')}>
              {t('noFace.text')}
            </Note>
          ) : (
            <Card>
              <p className={styles.start}>
                <ScanFace aria-hidden size={18} /> {t('empty.text')}
              </p>
            </Card>
          )}
        </div>
      </div>
      <Card
        title={t('code.title')}
        hint={t('code.hint')}
        actions={
          <Segmented
            label={t('code.language')}
            options={[
              { value: 'curl', label: 'curl' },
              { value: 'python', label: 'Python' },
              { value: 'typescript', label: 'TypeScript' },
            ]}
            value={language}
            onChange={setLanguage}
          />
        }
      >
        <CodeBlock
          label={{ curl: 'curl', python: 'Python', typescript: 'TypeScript' }[language]}
          code={code}
        />
      </Card>
    </Page>
  );
}
