import { WifiOff } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { connection, isOffline } from '../api/connection.ts';
import { useStore } from '../api/store.ts';
import { Button } from './button.tsx';
import styles from './offline-banner.module.css';

export function OfflineBanner() {
  const { t } = useTranslation();
  const isDown = useStore(isOffline);
  return (
    <div role="status" className={styles.region}>
      {isDown && (
        <div className={styles.banner}>
          <WifiOff aria-hidden size={16} />
          <span className={styles.text}>{t('offline.text')}</span>
          <Button size="sm" onPress={connection.retry}>
            {t('action.retry')}
          </Button>
        </div>
      )}
    </div>
  );
}
