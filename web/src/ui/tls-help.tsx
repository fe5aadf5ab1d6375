import { useTranslation } from 'react-i18next';
import { CodeBlock } from './copy.tsx';
import styles from './states.module.css';

export function TlsHelp() {
  const { t } = useTranslation();
  const address = `https://${location.hostname}:8443`;
  return (
    <div className={styles.list}>
      <CodeBlock
        label={t('insecure.package')}
        code="sudo systemctl enable --now visage-https.socket && sudo systemctl restart visage"
        wraps
      />
      <CodeBlock label={t('insecure.clone')} code="VISAGE_TLS_LISTEN=0.0.0.0:8443 npm start" wraps />
      <p>
        {t('insecure.then')} <a href={address}>{address}</a>
      </p>
    </div>
  );
}
