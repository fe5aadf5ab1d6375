import { useQuery } from '@tanstack/react-query';
import {
  Activity,
  FolderClosed,
  Keyboard,
  Languages,
  LogOut,
  type LucideIcon,
  Monitor,
  Moon,
  Search,
  Sun,
  User,
} from 'lucide-react';
import { useDeferredValue, useState } from 'react';
import {
  Dialog as AriaDialog,
  Autocomplete,
  Collection,
  Header,
  Input,
  Menu,
  MenuItem,
  MenuSection,
  Modal,
  ModalOverlay,
  SearchField,
  useFilter,
} from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'wouter';
import { api, call } from '../api/client.ts';
import { useCollection } from '../api/collection.tsx';
import { allows, logOut, useMe } from '../api/session.ts';
import { changeLanguage, LANGUAGES, type Language } from '../i18n/index.ts';
import { SCREENS } from '../screens/screens.ts';
import menuStyles from '../ui/menu.module.css';
import { useFrameActions } from './frame-actions.ts';
import styles from './palette.module.css';
import { setTheme } from './theme.ts';

const MAX_PEOPLE = 8;

interface Command {
  readonly id: string;
  readonly label: string;
  readonly icon: LucideIcon;
  readonly run: () => void;
}

interface PaletteProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

function usePeople(text: string): readonly string[] {
  const { collection } = useCollection();
  const collectionId = collection?.collectionId;
  const { data } = useQuery({
    queryKey: ['palette', collectionId, text],
    queryFn: async ({ signal }) => {
      const query = { collectionId: collectionId as string, filter: text, limit: MAX_PEOPLE };
      const { people } = await call(api.GET('/v1/external-key/list', { params: { query }, signal }));
      return people.map(({ externalKey }) => externalKey);
    },
    enabled: collectionId !== undefined && text.length > 1,
    placeholderData: (previous) => previous,
  });
  return text.length > 1 ? (data ?? []) : [];
}

export default function Palette({ isOpen, onClose }: PaletteProps) {
  const { t } = useTranslation();
  const me = useMe();
  const { openHelp, openEvents } = useFrameActions();
  const { collections, select } = useCollection();
  const [, navigate] = useLocation();
  const { contains } = useFilter({ sensitivity: 'base' });
  const [text, setText] = useState('');
  const people = usePeople(useDeferredValue(text.trim()));
  const close = () => {
    setText('');
    onClose();
  };
  const groups: readonly { readonly title: string; readonly commands: readonly Command[] }[] = [
    {
      title: t('palette.people'),
      commands: people.map((name) => ({
        id: `person ${name}`,
        label: name,
        icon: User,
        run: () => navigate(`/people/${encodeURIComponent(name)}`),
      })),
    },
    {
      title: t('palette.screens'),
      commands: SCREENS.filter((screen) => allows(me, screen.access)).map(({ name, path, icon }) => ({
        id: `screen ${name}`,
        label: t(`nav.${name}`),
        icon,
        run: () => navigate(path),
      })),
    },
    {
      title: t('palette.collections'),
      commands: collections.map(({ collectionId }) => ({
        id: `collection ${collectionId}`,
        label: collectionId,
        icon: FolderClosed,
        run: () => select(collectionId),
      })),
    },
    {
      title: t('palette.actions'),
      commands: [
        { id: 'help', label: t('account.shortcuts'), icon: Keyboard, run: openHelp },
        ...(openEvents
          ? [{ id: 'events', label: t('account.events'), icon: Activity, run: openEvents }]
          : []),
        { id: 'light', label: t('palette.light'), icon: Sun, run: () => setTheme('light') },
        { id: 'dark', label: t('palette.dark'), icon: Moon, run: () => setTheme('dark') },
        { id: 'system', label: t('palette.system'), icon: Monitor, run: () => setTheme('system') },
        ...Object.entries(LANGUAGES).map(([code, name]) => ({
          id: `language ${code}`,
          label: name,
          icon: Languages,
          run: () => void changeLanguage(code as Language),
        })),
        { id: 'out', label: t('account.logOut'), icon: LogOut, run: () => void logOut() },
      ],
    },
  ];
  const commands = new Map(groups.flatMap((group) => group.commands.map((each) => [each.id, each] as const)));
  return (
    <ModalOverlay
      isOpen={isOpen}
      onOpenChange={(open) => !open && close()}
      isDismissable
      className={styles.overlay}
    >
      <Modal className={styles.modal}>
        <AriaDialog aria-label={t('palette.title')} className={styles.dialog}>
          <Autocomplete filter={contains} inputValue={text} onInputChange={setText}>
            <SearchField aria-label={t('palette.placeholder')} autoFocus className={styles.search}>
              <Search aria-hidden size={17} />
              <Input placeholder={t('palette.placeholder')} className={styles.input} />
            </SearchField>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it. */}
            <div className={styles.scroll} tabIndex={0}>
              <Menu
                aria-label={t('palette.title')}
                className={styles.list}
                renderEmptyState={() => <p className={styles.nothing}>{t('palette.nothing')}</p>}
                onAction={(id) => {
                  close();
                  commands.get(String(id))?.run();
                }}
              >
                {groups
                  .filter((group) => group.commands.length > 0)
                  .map((group) => (
                    <MenuSection key={group.title} id={group.title}>
                      <Header className={menuStyles.header}>{group.title}</Header>
                      <Collection items={group.commands}>
                        {({ id, label, icon: Icon }) => (
                          <MenuItem id={id} textValue={label} className={menuStyles.item}>
                            <Icon aria-hidden size={16} strokeWidth={1.8} />
                            <span className={menuStyles.itemText}>{label}</span>
                          </MenuItem>
                        )}
                      </Collection>
                    </MenuSection>
                  ))}
              </Menu>
            </div>
          </Autocomplete>
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
