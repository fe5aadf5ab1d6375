import { Activity, Keyboard, LogOut, Menu as MenuIcon, Search, Settings2 } from 'lucide-react';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import { Dialog as AriaDialog, Link, Modal, ModalOverlay, VisuallyHidden } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'wouter';
import { allows, logOut, useMe } from '../api/session.ts';
import { useStore } from '../api/store.ts';
import { SCREENS, type Screen } from '../screens/screens.ts';
import { Brackets } from '../ui/brackets.tsx';
import { Button, IconButton } from '../ui/button.tsx';
import { cx } from '../ui/cx.ts';
import { Menu, MenuAction, MenuLine } from '../ui/menu.tsx';
import { OfflineBanner } from '../ui/offline-banner.tsx';
import { Page } from '../ui/page.tsx';
import { SkeletonList } from '../ui/states.tsx';
import { hasUploads } from '../uploads/pending.ts';
import { CollectionSwitcher } from './collection-switcher.tsx';
import { LanguageGroup, ThemeGroup } from './language-and-theme.tsx';
import styles from './shell.module.css';
import { MODIFIER, ShortcutsHelp, useShortcuts } from './shortcuts.tsx';

const Palette = lazy(() => import('./palette.tsx'));

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
        onHoverStart={screen.preload}
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

interface FrameActions {
  readonly openPalette: () => void;
  readonly openHelp: () => void;
  /** Absent for members who may not change it. */
  readonly openEvents: (() => void) | undefined;
}

function AccountMenu({ openHelp, openEvents }: Pick<FrameActions, 'openHelp' | 'openEvents'>) {
  const { t } = useTranslation();
  const me = useMe();
  return (
    <Menu
      label={t('account.menu')}
      placement="top start"
      trigger={
        <Button variant="ghost" className={styles.account}>
          <span className={styles.who}>
            <span className={styles.name}>{me.name}</span>
            <span className={styles.role}>{t(`account.role.${me.role}`)}</span>
            <VisuallyHidden>{t('account.menu')}</VisuallyHidden>
          </span>
          <Settings2 aria-hidden size={16} />
        </Button>
      }
    >
      <LanguageGroup />
      <ThemeGroup />
      <MenuLine />
      {openEvents && <MenuAction icon={Activity} label={t('account.events')} onAction={openEvents} />}
      <MenuAction icon={Keyboard} label={t('account.shortcuts')} onAction={openHelp} />
      <MenuAction icon={LogOut} label={t('account.logOut')} hint={me.email} onAction={() => void logOut()} />
    </Menu>
  );
}

function Sidebar({ onGo, openPalette, ...actions }: FrameActions & { readonly onGo?: () => void }) {
  const { t } = useTranslation();
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
      <AccountMenu {...actions} />
    </>
  );
}

export function Shell({ children }: { readonly children: ReactNode }) {
  const { t } = useTranslation();
  const [isOpen, setIsOpen] = useState(false);
  const isUploading = useStore(hasUploads);
  const [palette, setPalette] = useState<'unused' | 'open' | 'closed'>('unused');
  const [isHelpOpen, setIsHelpOpen] = useState(false);
  const [events, setEvents] = useState<'unused' | 'open' | 'closed'>('unused');
  const isAdmin = allows(useMe(), { role: 'admin' });
  const actions: FrameActions = {
    openPalette() {
      setIsOpen(false);
      setPalette('open');
    },
    openHelp() {
      setIsOpen(false);
      setIsHelpOpen(true);
    },
    openEvents: isAdmin
      ? () => {
          setIsOpen(false);
          setEvents('open');
        }
      : undefined,
  };
  useShortcuts(actions);
  return (
    <div className={styles.shell}>
      <a href="#content" className={styles.skip}>
        {t('nav.skip')}
      </a>
      <aside className={styles.sidebar}>
        <Sidebar {...actions} />
      </aside>
      <header className={styles.top}>
        <IconButton icon={MenuIcon} label={t('nav.open')} onPress={() => setIsOpen(true)} />
        <Brackets className={styles.brackets} />
        <span className={styles.topName}>Visage</span>
      </header>
      <ModalOverlay isOpen={isOpen} onOpenChange={setIsOpen} isDismissable className={styles.overlay}>
        <Modal className={styles.drawer}>
          <AriaDialog aria-label={t('nav.label')} className={styles.drawerBody}>
            <Sidebar {...actions} onGo={() => setIsOpen(false)} />
          </AriaDialog>
        </Modal>
      </ModalOverlay>
      {palette !== 'unused' && (
        <Suspense>
          <Palette
            isOpen={palette === 'open'}
            onClose={() => setPalette('closed')}
            openHelp={actions.openHelp}
            openEvents={actions.openEvents}
          />
        </Suspense>
      )}
      {events !== 'unused' && (
        <Suspense>
          <EventRecordingDialog isOpen={events === 'open'} onClose={() => setEvents('closed')} />
        </Suspense>
      )}
      <ShortcutsHelp isOpen={isHelpOpen} onClose={() => setIsHelpOpen(false)} />
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
