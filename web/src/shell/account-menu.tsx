import { Activity, Keyboard, LogOut } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { logOut, useMe } from '../api/session.ts';
import { MenuAction, MenuLine, MenuPopover } from '../ui/menu.tsx';
import type { OpenMenu } from '../ui/menu-button.tsx';
import { useFrameActions } from './frame-actions.ts';
import { LanguageGroup, ThemeGroup } from './language-and-theme.tsx';

export default function AccountMenu({ open }: { readonly open: OpenMenu }) {
  const { t } = useTranslation();
  const me = useMe();
  const { openEvents, openHelp } = useFrameActions();
  return (
    <MenuPopover label={t('account.menu')} placement="top start" open={open}>
      <LanguageGroup />
      <ThemeGroup />
      <MenuLine />
      {openEvents && <MenuAction icon={Activity} label={t('account.events')} onAction={openEvents} />}
      <MenuAction icon={Keyboard} label={t('account.shortcuts')} onAction={openHelp} />
      <MenuAction icon={LogOut} label={t('account.logOut')} hint={me.email} onAction={() => void logOut()} />
    </MenuPopover>
  );
}
