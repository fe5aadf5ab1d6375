import { ArrowLeft } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Collection } from '../../api/collection.tsx';
import { ButtonLink } from '../../ui/button.tsx';
import { Page } from '../../ui/page.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { FacesPanel } from './faces-panel.tsx';

export function UnnamedFaces({ collection }: { readonly collection: Collection }) {
  const { t } = useTranslation('people');
  return (
    <Page
      title={t('unnamed.title')}
      hint={t('unnamed.hint')}
      actions={
        <ButtonLink href="/people" icon={ArrowLeft}>
          {t('title')}
        </ButtonLink>
      }
    >
      <FacesPanel
        key={collection.collectionId}
        collectionId={collection.collectionId}
        externalKey={null}
        empty={<EmptyState title={t('unnamed.empty.title')}>{t('unnamed.empty.text')}</EmptyState>}
      />
    </Page>
  );
}
