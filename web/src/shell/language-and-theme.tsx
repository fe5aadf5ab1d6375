import { Languages, Monitor, Moon, Sun } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../api/store.ts';
import { changeLanguage, LANGUAGES, type Language } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { Menu, MenuAction, MenuGroup } from '../ui/menu.tsx';
import { setTheme, theme } from './theme.ts';

export function LanguageGroup() {
  const { t, i18n } = useTranslation();
  return (
    <MenuGroup title={t('account.language')}>
      {Object.entries(LANGUAGES).map(([code, name]) => (
        <MenuAction
          key={code}
          label={name}
          isChosen={i18n.language === code}
          onAction={() => void changeLanguage(code as Language)}
        />
      ))}
    </MenuGroup>
  );
}

export function ThemeGroup() {
  const { t } = useTranslation();
  const current = useStore(theme);
  return (
    <MenuGroup title={t('account.theme')}>
      <MenuAction
        icon={Monitor}
        label={t('account.themeSystem')}
        isChosen={current === 'system'}
        onAction={() => setTheme('system')}
      />
      <MenuAction
        icon={Sun}
        label={t('account.themeLight')}
        isChosen={current === 'light'}
        onAction={() => setTheme('light')}
      />
      <MenuAction
        icon={Moon}
        label={t('account.themeDark')}
        isChosen={current === 'dark'}
        onAction={() => setTheme('dark')}
      />
    </MenuGroup>
  );
}

export default function LanguageAndTheme() {
  const { t, i18n } = useTranslation();
  return (
    <>
      <Menu
        label={t('account.language')}
        placement="top start"
        trigger={
          <Button variant="ghost" size="sm" icon={Languages}>
            {LANGUAGES[i18n.language as Language]}
          </Button>
        }
      >
        <LanguageGroup />
      </Menu>
      <Menu
        label={t('account.theme')}
        placement="top start"
        trigger={
          <Button variant="ghost" size="sm" icon={Sun}>
            {t('account.theme')}
          </Button>
        }
      >
        <ThemeGroup />
      </Menu>
    </>
  );
}
