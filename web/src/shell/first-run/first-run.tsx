import { Check } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { CollectionProvider } from '../../api/collection.tsx';
import { useStore } from '../../api/store.ts';
import { Button } from '../../ui/button.tsx';
import { cx } from '../../ui/cx.ts';
import { OfflineBanner } from '../../ui/offline-banner.tsx';
import { Entrance } from '../entrance.tsx';
import { CollectionStep } from './collection-step.tsx';
import styles from './first-run.module.css';
import { KeyStep } from './key-step.tsx';
import { MatchStep } from './match-step.tsx';
import { OwnerStep } from './owner-step.tsx';
import { firstRun, goTo, STEPS, type Step } from './state.ts';

function Progress({ current }: { readonly current: Step }) {
  const { t } = useTranslation('first-run');
  const at = STEPS.indexOf(current);
  return (
    <ol className={styles.steps} aria-label={t('progress')}>
      {STEPS.map((step, index) => (
        <li
          key={step}
          aria-current={step === current ? 'step' : undefined}
          className={cx(styles.step, index < at && styles.done, index === at && styles.current)}
        >
          <span className={styles.number}>
            {index < at ? <Check aria-label={t('done')} size={13} /> : index + 1}
          </span>
          {t(`${step}.short`)}
        </li>
      ))}
    </ol>
  );
}

export default function FirstRun() {
  const { t } = useTranslation('first-run');
  const step = useStore(firstRun) ?? 'owner';
  const [collectionId, setCollectionId] = useState<string | null>(null);
  const [apiKey, setApiKey] = useState<string | null>(null);
  return (
    <>
      <OfflineBanner />
      <Entrance title={t(`${step}.title`)} isWide before={<Progress current={step} />}>
        {step === 'owner' && <OwnerStep onDone={() => goTo('collection')} />}
        {step !== 'owner' && (
          <CollectionProvider>
            {step === 'collection' && (
              <CollectionStep
                onDone={(id) => {
                  setCollectionId(id);
                  goTo('key');
                }}
              />
            )}
            {step === 'key' && (
              <KeyStep
                collectionId={collectionId}
                onDone={(key) => {
                  setApiKey(key);
                  goTo('match');
                }}
              />
            )}
            {step === 'match' && (
              <MatchStep collectionId={collectionId} apiKey={apiKey} onDone={() => goTo(null)} />
            )}
            <div className={styles.skip}>
              <Button variant="ghost" size="sm" onPress={() => goTo(null)}>
                {t('skip')}
              </Button>
            </div>
          </CollectionProvider>
        )}
      </Entrance>
    </>
  );
}
