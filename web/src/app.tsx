import { QueryClientProvider } from '@tanstack/react-query';
import { lazy, useEffect, useState } from 'react';
import { I18nProvider, RouterProvider } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { Route, Switch, useLocation } from 'wouter';
import { CollectionProvider } from './api/collection.tsx';
import { queryClient } from './api/query-client.ts';
import { allows, endSession, useMe, useSessionState } from './api/session.ts';
import { sessionEvents } from './api/session-events.ts';
import { useStore } from './api/store.ts';
import { localeOf } from './i18n/format.ts';
import { SCREENS, type Screen } from './screens/screens.ts';
import { Entrance } from './shell/entrance.tsx';
import { firstRun } from './shell/first-run/state.ts';
import { Shell } from './shell/shell.tsx';
import { StepUp } from './shell/step-up.tsx';
import { ButtonLink } from './ui/button.tsx';
import { ErrorBoundary } from './ui/error-boundary.tsx';
import { OfflineBanner } from './ui/offline-banner.tsx';
import { Page } from './ui/page.tsx';
import { EmptyState, ErrorState } from './ui/states.tsx';
import { Toasts } from './ui/toast.tsx';

const Insecure = lazy(() => import('./shell/insecure.tsx'));
const LogIn = lazy(() => import('./shell/log-in.tsx'));
const Join = lazy(() => import('./shell/join.tsx'));
const FirstRun = lazy(() => import('./shell/first-run/first-run.tsx'));

function ScreenRoute({ screen }: { readonly screen: Screen }) {
  const { t } = useTranslation();
  const me = useMe();
  const { component: Component } = screen;
  if (allows(me, screen.access)) {
    return (
      <ErrorBoundary key={screen.name}>
        <Component />
      </ErrorBoundary>
    );
  }
  return (
    <Page title={t(`nav.${screen.name}`)}>
      <EmptyState title={t('denied.title')}>{t('denied.text')}</EmptyState>
    </Page>
  );
}

function Missing() {
  const { t } = useTranslation();
  return (
    <Page title={t('missing.title')}>
      <ButtonLink href="/" variant="primary">
        {t('missing.action')}
      </ButtonLink>
    </Page>
  );
}

function Screens() {
  return (
    <CollectionProvider>
      <Shell>
        <Switch>
          {SCREENS.map((screen) => (
            <Route key={screen.name} path={screen.path === '/' ? '/' : `${screen.path}/*?`}>
              <ScreenRoute screen={screen} />
            </Route>
          ))}
          <Route>
            <Missing />
          </Route>
        </Switch>
      </Shell>
      <StepUp />
    </CollectionProvider>
  );
}

function Session() {
  const { data, error, refetch } = useSessionState();
  const [wasLoggedIn, setWasLoggedIn] = useState(false);
  useEffect(
    () =>
      sessionEvents.onExpired(() => {
        if (queryClient.getQueryData<typeof data>(['session'])?.kind !== 'member') return;
        setWasLoggedIn(true);
        endSession();
      }),
    [],
  );
  const firstStep = useStore(firstRun);
  const isFirstRun = data?.kind === 'member' ? firstStep !== null : data?.needsOwner;
  if (isFirstRun)
    return (
      <>
        <FirstRun />
        {data?.kind === 'member' && <StepUp />}
      </>
    );
  if (data?.kind === 'member') return <Screens />;
  if (data) return <LogIn wasLoggedIn={wasLoggedIn} />;
  if (!error) return null;
  return (
    <Entrance title="Visage">
      <OfflineBanner />
      <ErrorState error={error} onRetry={() => void refetch()} />
    </Entrance>
  );
}

export function App() {
  const { i18n } = useTranslation();
  const [path, navigate] = useLocation();
  return (
    <I18nProvider locale={localeOf(i18n.language)}>
      <RouterProvider navigate={navigate}>
        <QueryClientProvider client={queryClient}>
          {!isSecureContext ? <Insecure /> : path === '/join' ? <Join /> : <Session />}
          <Toasts />
        </QueryClientProvider>
      </RouterProvider>
    </I18nProvider>
  );
}
