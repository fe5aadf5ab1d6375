import { useTranslation } from 'react-i18next';
import { TlsHelp } from '../ui/tls-help.tsx';
import { Entrance } from './entrance.tsx';

/** Over plain HTTP beyond localhost, where browsers refuse the session cookie and the webcam. */
export default function Insecure() {
  const { t } = useTranslation();
  return (
    <Entrance title={t('insecure.title')}>
      <p>{t('insecure.text')}</p>
      <TlsHelp />
    </Entrance>
  );
}
