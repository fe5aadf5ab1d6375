import { ChevronsUpDown, FolderClosed } from 'lucide-react';
import { lazy } from 'react';
import { useTranslation } from 'react-i18next';
import { useCollection } from '../api/collection.tsx';
import { MenuButton } from '../ui/menu-button.tsx';
import styles from './collection-switcher.module.css';

const load = () => import('./collection-menu.tsx');
const CollectionMenu = lazy(load);

export function CollectionSwitcher() {
  const { t } = useTranslation();
  const { collection } = useCollection();
  return (
    <MenuButton menu={CollectionMenu} preload={() => void load()} className={styles.button}>
      <FolderClosed aria-hidden size={15} />
      <span className={styles.text}>
        <span className={styles.label}>{t('collection.label')}</span>
        <span className={styles.id}>{collection?.collectionId ?? t('collection.none')}</span>
      </span>
      <ChevronsUpDown aria-hidden size={14} />
    </MenuButton>
  );
}
