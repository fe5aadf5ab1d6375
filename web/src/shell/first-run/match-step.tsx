import { useMutation } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'wouter';
import { useCollection } from '../../api/collection.tsx';
import { sendImage } from '../../api/images.ts';
import { useMe } from '../../api/session.ts';
import { useFormat } from '../../i18n/format.ts';
import { Button } from '../../ui/button.tsx';
import { CodeBlock } from '../../ui/copy.tsx';
import { FaceImage } from '../../ui/face-image.tsx';
import { TextField } from '../../ui/field.tsx';
import { ImageDrop } from '../../ui/image-drop.tsx';
import { Similarity } from '../../ui/similarity.tsx';
import { ErrorNote, Note } from '../../ui/states.tsx';
import styles from './first-run.module.css';

const THRESHOLD = 80;

interface MatchStepProps {
  readonly collectionId: string | null;
  readonly apiKey: string | null;
  readonly onDone: () => void;
}

function keyOf(name: string): string {
  const plain = name.trim().toLowerCase().normalize('NFKD').replace(/\s+/g, '.');
  return plain.replace(/[^!-~]/g, '') || 'me';
}

function useObjectUrl(file: File | null): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (!file) return setUrl(null);
    const next = URL.createObjectURL(file);
    setUrl(next);
    return () => URL.revokeObjectURL(next);
  }, [file]);
  return url;
}

function curlOf(collectionId: string, apiKey: string): string {
  return [
    `curl ${location.origin}/v1/face/identify \\`,
    `  -H 'Authorization: ApiKey ${apiKey}' \\`,
    `  -F collectionId=${collectionId} -F image=@photo.jpg`,
  ].join('\n');
}

export function MatchStep({ collectionId, apiKey, onDone }: MatchStepProps) {
  const { t } = useTranslation('first-run');
  const format = useFormat();
  const me = useMe();
  const [, navigate] = useLocation();
  const { collection } = useCollection();
  const id = collectionId ?? collection?.collectionId ?? '';
  const [externalKey, setExternalKey] = useState(keyOf(me.name ?? me.email.split('@')[0] ?? ''));
  const [enrolled, setEnrolled] = useState<File | null>(null);
  const [probe, setProbe] = useState<File | null>(null);
  const enroll = useMutation({
    mutationFn: (file: File) =>
      sendImage('enroll', file, { collectionId: id, externalKey, allowDuplicates: 'true' }),
    onSuccess: (answer, file) => answer.faceId !== null && setEnrolled(file),
  });
  const identify = useMutation({
    async mutationFn(file: File) {
      const began = performance.now();
      const answer = await sendImage('identify', file, {
        collectionId: id,
        faceMatchThreshold: '0',
        attributes: 'all',
      });
      return { answer, took: performance.now() - began };
    },
    onMutate: setProbe,
  });
  const url = useObjectUrl(probe);
  const { answer, took } = identify.data ?? {};
  const match = answer?.matches[0];
  const isMatch = match !== undefined && match.similarity >= THRESHOLD;
  if (!enrolled) {
    const { data, error, isPending } = enroll;
    return (
      <div className={styles.form}>
        <p className={styles.intro}>{t('match.enrolIntro')}</p>
        <TextField
          label={t('match.name')}
          hint={t('match.nameHint')}
          value={externalKey}
          onChange={setExternalKey}
          isCode
        />
        <ImageDrop
          label={isPending ? t('match.enrolling') : t('match.enrolDrop')}
          isSingle
          onFiles={([picked]) => picked && enroll.mutate(picked.file)}
        />
        {data && !data.hasFace && <Note tone="warn">{t('match.noFace')}</Note>}
        {data?.hasFace && data.faceId === null && <Note tone="warn">{t('match.refused')}</Note>}
        {error !== null && <ErrorNote error={error} />}
      </div>
    );
  }
  return (
    <div className={styles.form}>
      <p className={styles.intro}>{t('match.intro', { name: externalKey })}</p>
      {url && answer ? (
        <div className={styles.result}>
          <FaceImage
            src={url}
            alt={t('match.photo')}
            className={styles.photo}
            boxes={
              answer.face
                ? [
                    {
                      left: answer.face.boundingBox.x,
                      top: answer.face.boundingBox.y,
                      width: answer.face.boundingBox.width,
                      height: answer.face.boundingBox.height,
                      landmarks: answer.face.landmarks,
                      tone: isMatch ? 'ok' : 'warn',
                      label: isMatch ? (match.externalKey ?? match.faceId) : t('match.unknown'),
                    },
                  ]
                : []
            }
          />
          <div className={styles.facts}>
            <p role="status" className={styles.name}>
              {isMatch ? match.externalKey : answer.hasFace ? t('match.nobody') : t('match.noFace')}
            </p>
            {match && <Similarity value={match.similarity} threshold={THRESHOLD} />}
            {took !== undefined && (
              <p className={styles.intro}>{t('match.took', { time: format.milliseconds(took) })}</p>
            )}
          </div>
        </div>
      ) : null}
      <ImageDrop
        label={identify.isPending ? t('match.searching') : answer ? t('match.again') : t('match.drop')}
        isSingle
        isCompact={answer !== undefined}
        onFiles={([picked]) => picked && identify.mutate(picked.file)}
      />
      {!answer && (
        <div className={styles.end}>
          <Button isPending={identify.isPending} onPress={() => identify.mutate(enrolled)}>
            {t('match.same')}
          </Button>
        </div>
      )}
      {identify.error !== null && <ErrorNote error={identify.error} />}
      {answer && (
        <>
          <CodeBlock label={t('match.curl')} code={curlOf(id, apiKey ?? '$KEY')} />
          <div className={styles.end}>
            <Button
              variant="primary"
              onPress={() => {
                navigate('/');
                onDone();
              }}
            >
              {t('match.finish')}
            </Button>
          </div>
        </>
      )}
    </div>
  );
}
