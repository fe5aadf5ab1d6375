import { useTranslation } from 'react-i18next';
import { Route, Switch } from 'wouter';
import { useCollection } from '../../api/collection.tsx';
import { ButtonLink } from '../../ui/button.tsx';
import { Page } from '../../ui/page.tsx';
import { EmptyState, ErrorState, SkeletonList } from '../../ui/states.tsx';
import { AddPeople } from './add-people.tsx';
import { PeopleGrid } from './people-grid.tsx';
import { PersonPage } from './person-page.tsx';
import { UnnamedFaces } from './unnamed-faces.tsx';
import { UploadsPage } from './uploads-page.tsx';

export default function People() {
  const { t } = useTranslation('people');
  const { collection, isLoading, error, refetch } = useCollection();
  if (!collection) {
    return (
      <Page title={t('title')} hint={t('hint')}>
        {isLoading ? (
          <SkeletonList />
        ) : error ? (
          <ErrorState error={error} onRetry={refetch} />
        ) : (
          <EmptyState
            title={t('noCollection.title')}
            actions={
              <ButtonLink href="/collections" variant="primary">
                {t('noCollection.action')}
              </ButtonLink>
            }
          >
            {t('noCollection.text')}
          </EmptyState>
        )}
      </Page>
    );
  }
  return (
    <Switch>
      <Route path="/people/person">
        <PersonPage collection={collection} />
      </Route>
      <Route path="/people/unnamed">
        <UnnamedFaces collection={collection} />
      </Route>
      <Route path="/people/add">
        <AddPeople collection={collection} />
      </Route>
      <Route path="/people/uploads">
        <UploadsPage />
      </Route>
      <Route>
        <PeopleGrid key={collection.collectionId} collection={collection} />
      </Route>
    </Switch>
  );
}
