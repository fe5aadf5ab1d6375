import { useTranslation } from 'react-i18next';
import { TlsHelp } from '../ui/tls-help.tsx';
import { Entrance } from './entrance.tsx';

export default function Insecure() {
  const { t } = useTranslation();
  return (
    <Entrance title={t('insecure.title')}>
      <p>{t('insecure.text')}</p>
      <TlsHelp />
    </Entrance>
  );
}
