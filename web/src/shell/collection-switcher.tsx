import { ChevronsUpDown, FolderClosed, Settings2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useCollection } from '../api/collection.tsx';
import { Button } from '../ui/button.tsx';
import { Menu, MenuAction, MenuGroup, MenuLine } from '../ui/menu.tsx';
import styles from './collection-switcher.module.css';

export function CollectionSwitcher() {
  const { t } = useTranslation();
  const { collections, collection, select } = useCollection();
  return (
    <Menu
      label={t('collection.label')}
      placement="bottom start"
      trigger={
        <Button className={styles.button}>
          <FolderClosed aria-hidden size={15} />
          <span className={styles.text}>
            <span className={styles.label}>{t('collection.label')}</span>
            <span className={styles.id}>{collection?.collectionId ?? t('collection.none')}</span>
          </span>
          <ChevronsUpDown aria-hidden size={14} />
        </Button>
      }
    >
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
    </Menu>
  );
}
