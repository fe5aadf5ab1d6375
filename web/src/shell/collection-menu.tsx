import { Settings2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useCollection } from '../api/collection.tsx';
import { MenuAction, MenuGroup, MenuLine, MenuPopover } from '../ui/menu.tsx';
import type { OpenMenu } from '../ui/menu-button.tsx';

export default function CollectionMenu({ open }: { readonly open: OpenMenu }) {
  const { t } = useTranslation();
  const { collections, collection, select } = useCollection();
  return (
    <MenuPopover label={t('collection.label')} placement="bottom start" open={open}>
      <MenuGroup title={t('collection.label')}>
        {collections.map(({ collectionId, description }) => (
          <MenuAction
            key={collectionId}
            label={collectionId}
            hint={description ?? undefined}
            isChosen={collectionId === collection?.collectionId}
            onAction={() => select(collectionId)}
          />
        ))}
      </MenuGroup>
      <MenuLine />
      <MenuAction icon={Settings2} label={t('collection.manage')} href="/collections" />
    </MenuPopover>
  );
}
