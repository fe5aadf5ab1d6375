import './styles/font.css';
import './styles/tokens.css';
import './styles/base.css';
import './shell/theme.ts';
import { StrictMode, Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import { csrfToken } from './api/client.ts';
import { prefetchSession } from './api/session.ts';
import { App } from './app.tsx';
import { startStrings } from './i18n/index.ts';
import { screenAt } from './screens/screens.ts';

if (isSecureContext && csrfToken() !== null) {
  // The session, the screen and its strings load at once, not one after the other.
  void prefetchSession();
  screenAt(location.pathname)?.preload();
}
await startStrings();
const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <Suspense>
      <App />
    </Suspense>
  </StrictMode>,
);
