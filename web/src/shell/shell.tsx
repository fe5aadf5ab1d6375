import { Menu as MenuIcon, Search, Settings2 } from 'lucide-react';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import { Link, VisuallyHidden } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'wouter';
import { allows, useMe } from '../api/session.ts';
import { useStore } from '../api/store.ts';
import { SCREENS, type Screen } from '../screens/screens.ts';
import { Brackets } from '../ui/brackets.tsx';
import { Button, IconButton } from '../ui/button.tsx';
import { cx } from '../ui/cx.ts';
import { MenuButton } from '../ui/menu-button.tsx';
import { OfflineBanner } from '../ui/offline-banner.tsx';
import { Page } from '../ui/page.tsx';
import { SkeletonList } from '../ui/states.tsx';
import { hasUploads } from '../uploads/pending.ts';
import { CollectionSwitcher } from './collection-switcher.tsx';
import { type FrameActions, FrameActionsContext, useFrameActions } from './frame-actions.ts';
import styles from './shell.module.css';
import { MODIFIER, useShortcuts } from './shortcuts.ts';

const loadAccountMenu = () => import('./account-menu.tsx');
const AccountMenu = lazy(loadAccountMenu);
const Drawer = lazy(() => import('./drawer.tsx'));
const Palette = lazy(() => import('./palette.tsx'));
const ShortcutsHelp = lazy(() => import('./shortcuts-help.tsx'));
const EventRecordingDialog = lazy(() => import('./event-recording-dialog.tsx'));
const UploadDock = lazy(() => import('../uploads/upload-dock.tsx'));

const GROUPS = ['recognition', 'setup', 'administration'] as const;

function isAt(path: string, location: string): boolean {
  return path === '/' ? location === '/' : location === path || location.startsWith(`${path}/`);
}

function NavLink({ screen, onGo }: { readonly screen: Screen; readonly onGo?: () => void }) {
  const { t } = useTranslation();
  const [location] = useLocation();
  const { name, path, icon: Icon } = screen;
  const isCurrent = isAt(path, location);
  return (
    <li>
      <Link
        href={path}
        aria-current={isCurrent ? 'page' : undefined}
        className={cx(styles.link, isCurrent && styles.current)}
        onHoverStart={() => void screen.preload()}
        onPress={onGo}
      >
        <Icon aria-hidden size={17} strokeWidth={1.8} />
        {t(`nav.${name}`)}
      </Link>
    </li>
  );
}

function Navigation({ onGo }: { readonly onGo?: () => void }) {
  const { t } = useTranslation();
  const me = useMe();
  return (
    <nav aria-label={t('nav.label')} className={styles.nav}>
      {GROUPS.map((group) => {
        const screens = SCREENS.filter((screen) => screen.group === group && allows(me, screen.access));
        if (screens.length === 0) return null;
        return (
          <div key={group}>
            <h2 className={styles.group}>{t(`nav.group.${group}`)}</h2>
            <ul>
              {screens.map((screen) => (
                <NavLink key={screen.name} screen={screen} onGo={onGo} />
              ))}
            </ul>
          </div>
        );
      })}
    </nav>
  );
}

function Sidebar({ onGo }: { readonly onGo?: () => void }) {
  const { t } = useTranslation();
  const me = useMe();
  const { openPalette } = useFrameActions();
  return (
    <>
      <div className={styles.mark}>
        <Brackets className={styles.brackets} />
        Visage
      </div>
      <CollectionSwitcher />
      <Button variant="ghost" size="sm" icon={Search} className={styles.find} onPress={openPalette}>
        <span className={styles.findText}>{t('palette.open')}</span>
        <kbd aria-hidden>{MODIFIER} K</kbd>
      </Button>
      <Navigation onGo={onGo} />
      <MenuButton
        menu={AccountMenu}
        preload={() => void loadAccountMenu()}
        variant="ghost"
        className={styles.account}
      >
        <span className={styles.who}>
          <span className={styles.name}>{me.name}</span>
          <span className={styles.role}>{t(`account.role.${me.role}`)}</span>
          <VisuallyHidden>{t('account.menu')}</VisuallyHidden>
        </span>
        <Settings2 aria-hidden size={16} />
      </MenuButton>
    </>
  );
}

function usePart() {
  const [state, setState] = useState<'unused' | 'open' | 'closed'>('unused');
  return {
    isUsed: state !== 'unused',
    isOpen: state === 'open',
    open: () => setState('open'),
    close: () => setState('closed'),
  };
}

export function Shell({ children }: { readonly children: ReactNode }) {
  const { t } = useTranslation();
  const isUploading = useStore(hasUploads);
  const isAdmin = allows(useMe(), { role: 'admin' });
  const drawer = usePart();
  const palette = usePart();
  const help = usePart();
  const events = usePart();
  const from = (part: typeof palette) => () => {
    drawer.close();
    part.open();
  };
  const actions: FrameActions = {
    openPalette: from(palette),
    openHelp: from(help),
    openEvents: isAdmin ? from(events) : undefined,
  };
  useShortcuts(actions);
  return (
    <FrameActionsContext value={actions}>
      <div className={styles.shell}>
        <a href="#content" className={styles.skip}>
          {t('nav.skip')}
        </a>
        <aside className={styles.sidebar}>
          <Sidebar />
        </aside>
        <header className={styles.top}>
          <IconButton icon={MenuIcon} label={t('nav.open')} onPress={drawer.open} />
          <Brackets className={styles.brackets} />
          <span className={styles.topName}>Visage</span>
        </header>
        <Suspense>
          {drawer.isUsed && (
            <Drawer isOpen={drawer.isOpen} onOpenChange={drawer.close}>
              <Sidebar onGo={drawer.close} />
            </Drawer>
          )}
          {palette.isUsed && <Palette isOpen={palette.isOpen} onClose={palette.close} />}
          {help.isUsed && <ShortcutsHelp isOpen={help.isOpen} onClose={help.close} />}
          {events.isUsed && <EventRecordingDialog isOpen={events.isOpen} onClose={events.close} />}
        </Suspense>
        <div className={styles.content}>
          <OfflineBanner />
          <main id="content" tabIndex={-1} className={styles.main}>
            <Suspense fallback={<Loading />}>{children}</Suspense>
          </main>
          {isUploading && (
            <Suspense>
              <UploadDock />
            </Suspense>
          )}
        </div>
      </div>
    </FrameActionsContext>
  );
}

function Loading() {
  const { t } = useTranslation();
  return (
    <Page title={t('state.loading')}>
      <SkeletonList />
    </Page>
  );
}
