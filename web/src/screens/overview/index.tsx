import { useTranslation } from 'react-i18next';
import { allows, useMe } from '../../api/session.ts';
import { Page } from '../../ui/page.tsx';
import { AccountOverview } from './account-overview.tsx';
import { BoxOverview } from './box-overview.tsx';

export default function Overview() {
  const { t } = useTranslation('overview');
  const me = useMe();
  const runsBox = allows(me, { role: 'admin', isBox: true });
  return (
    <Page title={t('title')} hint={t(runsBox ? 'hint' : 'accountHint', { account: me.account.name })}>
      {runsBox ? <BoxOverview /> : <AccountOverview />}
    </Page>
  );
}
