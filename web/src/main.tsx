import './styles/font.css';
import './styles/tokens.css';
import './styles/base.css';
import './shell/theme.ts';
import { StrictMode, Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import { csrfToken } from './api/client.ts';
import { prefetchCollections } from './api/collection.tsx';
import { prefetchSession } from './api/session.ts';
import { App } from './app.tsx';
import { startStrings } from './i18n/index.ts';
import { screenAt } from './screens/screens.ts';

const PATIENCE = 1000;

/** Not at the top level: the files of screens import this one, and would wait for it while it waits for them. */
async function start(): Promise<void> {
  const parts: Promise<unknown>[] = [];
  const strings = startStrings();
  if (isSecureContext && csrfToken() !== null) {
    parts.push(prefetchSession(), screenAt(location.pathname)?.preload() ?? Promise.resolve());
    parts.push(prefetchCollections());
  }
  await strings;
  await Promise.race([Promise.all(parts), new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
  const root = document.getElementById('root');
  if (!root) throw new Error('index.html has no #root');
  createRoot(root).render(
    <StrictMode>
      <Suspense>
        <App />
      </Suspense>
    </StrictMode>,
  );
}

void start();
