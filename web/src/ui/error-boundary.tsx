import { Component, type ReactNode, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { isOffline } from '../api/connection.ts';
import { useStore } from '../api/store.ts';
import { Page } from './page.tsx';
import { ErrorState } from './states.tsx';

interface State {
  readonly error: unknown;
}

export class ErrorBoundary extends Component<{ readonly children: ReactNode }, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: unknown): State {
    return { error };
  }

  override render() {
    return this.state.error === null ? this.props.children : <Failed error={this.state.error} />;
  }
}

function Failed({ error }: State) {
  const { t } = useTranslation();
  const isDown = useStore(isOffline);
  const wasDown = useRef(isDown);
  useEffect(() => {
    if (wasDown.current && !isDown) location.reload();
    wasDown.current = isDown;
  }, [isDown]);
  // An update of the service replaces the files of screens, so only a new page has them.
  return (
    <Page title={t('error.title')}>
      <ErrorState error={error} onRetry={() => location.reload()} />
    </Page>
  );
}
