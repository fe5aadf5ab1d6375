import { KeyRound, MoreHorizontal, Pencil, Plus, RotateCw, Snowflake, Trash2, UserCheck } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'wouter';
import { useMe } from '../../api/session.ts';
import { useFormat } from '../../i18n/format.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { CodeBlock, CopyField } from '../../ui/copy.tsx';
import { ConfirmByTyping, Dialog } from '../../ui/dialog.tsx';
import { Menu, MenuAction, MenuLine } from '../../ui/menu.tsx';
import { Page } from '../../ui/page.tsx';
import { EmptyState, ErrorState, Note, SkeletonList, useErrorText } from '../../ui/states.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { toast } from '../../ui/toast.tsx';
import styles from './api-keys.module.css';
import { KeyForm } from './key-form.tsx';
import {
  type ApiKey,
  changeKey,
  type NewApiKey,
  readKey,
  regenerateKey,
  revokeKey,
  useKeys,
  useMemberNames,
  useRequests,
  useScopes,
} from './keys-data.ts';

type Act = { readonly kind: 'revoke' | 'regenerate'; readonly key: ApiKey };

export default function ApiKeys() {
  const { t } = useTranslation(['api-keys', 'common']);
  const format = useFormat();
  const me = useMe();
  const textOf = useErrorText();
  const { data, error, isPending, refetch } = useKeys();
  const { data: scopes } = useScopes();
  const requests = useRequests();
  const members = useMemberNames();
  const [params, setParams] = useSearchParams();
  const [edited, setEdited] = useState<Awaited<ReturnType<typeof readKey>> | null>(null);
  const [created, setCreated] = useState<NewApiKey | null>(null);
  const [act, setAct] = useState<Act | null>(null);
  const [actError, setActError] = useState<unknown>(null);
  const [isActing, setIsActing] = useState(false);
  const isNew = params.has('new');

  const openNew = (isOpen: boolean) =>
    setParams(
      (previous) => {
        if (isOpen) previous.set('new', '');
        else previous.delete('new');
        return previous;
      },
      { replace: true },
    );
  const fail = (cause: unknown) => toast.failed(textOf(cause));
  const edit = (key: ApiKey) => void readKey(key.id).then(setEdited, fail);
  const freeze = (key: ApiKey) =>
    void changeKey(key.id, { frozen: !key.frozen }).then(
      () => toast.done(t(key.frozen ? 'done.unfrozen' : 'done.frozen', { name: key.name })),
      fail,
    );
  const adopt = (key: ApiKey) =>
    void changeKey(key.id, { member_id: me.user_id }).then(
      () => toast.done(t('done.adopted', { name: key.name })),
      fail,
    );
  const finish = async () => {
    if (!act) return;
    setIsActing(true);
    setActError(null);
    try {
      if (act.kind === 'regenerate') setCreated(await regenerateKey(act.key.id));
      else await revokeKey(act.key.id);
      if (act.kind === 'revoke') toast.done(t('done.revoked', { name: act.key.name }));
      setAct(null);
    } catch (cause) {
      setActError(cause);
    } finally {
      setIsActing(false);
    }
  };
  const ask = (next: Act) => {
    setActError(null);
    setAct(next);
  };

  const columns: Column<ApiKey>[] = [
    {
      id: 'name',
      title: t('field.name'),
      cell: (key) => (
        <div className={styles.name}>
          <button type="button" className={styles.open} onClick={() => edit(key)}>
            {key.name}
          </button>
          <span className={styles.prefix}>{key.key_prefix}…</span>
          <div className={styles.badges}>
            {key.environment === 'test' && <Badge>{t('environment.test')}</Badge>}
            {key.frozen && <Badge tone="warn">{t('state.frozen')}</Badge>}
            {key.suspended && <Badge tone="bad">{t('state.suspended')}</Badge>}
            {key.expires_at !== null && Date.parse(key.expires_at) <= Date.now() && (
              <Badge tone="bad">{t('state.expired')}</Badge>
            )}
          </div>
        </div>
      ),
    },
    { id: 'collection', title: t('field.collection'), cell: (key) => key.collection_id ?? t('every') },
    {
      id: 'used',
      title: t('field.lastUsed'),
      cell: (key) =>
        key.last_used_at === null ? (
          t('never')
        ) : (
          <time dateTime={key.last_used_at} title={format.exactTime(key.last_used_at)}>
            {format.ago(key.last_used_at)}
          </time>
        ),
    },
    ...(requests === null
      ? []
      : [
          {
            id: 'requests',
            title: t('field.requests'),
            isRight: true,
            isMinor: true,
            cell: ({ id }: ApiKey) => format.number(requests.get(id)?.calls ?? 0),
          },
        ]),
    {
      id: 'rate',
      title: t('field.rateLimit'),
      isRight: true,
      isMinor: true,
      cell: ({ rate_limit }) => t('perMinute', { count: rate_limit ?? scopes?.plan.max_rate_limit ?? 0 }),
    },
    {
      id: 'spend',
      title: t('field.spend'),
      isMinor: true,
      cell: ({ spent_usd, budget_usd }) =>
        budget_usd === null ? (
          format.usd(spent_usd)
        ) : (
          <span className={styles.spend}>
            {t('ofBudget', { spent: format.usd(spent_usd), budget: format.usd(budget_usd) })}
            <progress max={Math.max(budget_usd, 1e-6)} value={spent_usd} aria-label={t('field.spend')} />
          </span>
        ),
    },
    ...(members.size > 1
      ? [
          {
            id: 'member',
            title: t('field.member'),
            isMinor: true,
            cell: ({ member_id }: ApiKey) =>
              member_id === null ? t('operator') : (members.get(member_id) ?? t('removed')),
          },
        ]
      : []),
    {
      id: 'actions',
      title: <span className={styles.hidden}>{t('actions')}</span>,
      isRight: true,
      width: '3rem',
      cell: (key) => (
        <Menu
          label={t('actionsOf', { name: key.name })}
          trigger={<IconButton icon={MoreHorizontal} label={t('actionsOf', { name: key.name })} size="sm" />}
        >
          <MenuAction icon={Pencil} label={t('common:action.edit')} onAction={() => edit(key)} />
          <MenuAction
            icon={Snowflake}
            label={t(key.frozen ? 'act.unfreeze' : 'act.freeze')}
            hint={t(key.frozen ? 'act.unfreezeHint' : 'act.freezeHint')}
            onAction={() => freeze(key)}
          />
          {key.suspended && (
            <MenuAction icon={UserCheck} label={t('act.adopt')} onAction={() => adopt(key)} />
          )}
          <MenuLine />
          <MenuAction
            icon={RotateCw}
            label={t('act.regenerate')}
            isDanger
            onAction={() => ask({ kind: 'regenerate', key })}
          />
          <MenuAction
            icon={Trash2}
            label={t('act.revoke')}
            isDanger
            onAction={() => ask({ kind: 'revoke', key })}
          />
        </Menu>
      ),
    },
  ];

  const newButton = (
    <Button variant="primary" icon={Plus} onPress={() => openNew(true)}>
      {t('new')}
    </Button>
  );
  const plan = scopes?.plan;
  const usedOfPlan =
    plan && plan.max_keys !== null && plan.keys_used !== null
      ? t('plan.used', { used: plan.keys_used, count: plan.max_keys, plan: plan.name })
      : '';
  return (
    <Page title={t('title')} hint={`${t('hint.page')} ${usedOfPlan}`} actions={newButton}>
      {plan && plan.max_keys !== null && (plan.keys_used ?? 0) >= plan.max_keys && (
        <Note tone="warn" title={t('plan.fullTitle')}>
          {t('plan.fullText', { count: plan.max_keys, plan: plan.name })}
        </Note>
      )}
      {error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : isPending ? (
        <SkeletonList />
      ) : data.keys.length === 0 ? (
        <EmptyState title={t('empty.title')} icon={<KeyRound aria-hidden />} actions={newButton}>
          {t('empty.text')}
        </EmptyState>
      ) : (
        <Card hasPadding={false}>
          <Table label={t('title')} columns={columns} rows={data.keys} keyOf={({ id }) => id} />
        </Card>
      )}
      {data && !data.isComplete && <Note>{t('incomplete')}</Note>}
      {(isNew || edited) && (
        <KeyForm
          key={edited?.key.id ?? 'new'}
          edited={edited}
          onClose={() => {
            setEdited(null);
            if (isNew) openNew(false);
          }}
          onCreate={setCreated}
        />
      )}
      <Dialog
        title={t('shown.title')}
        isOpen={created !== null}
        onClose={() => setCreated(null)}
        isDismissable={false}
        footer={
          <Button variant="primary" onPress={() => setCreated(null)}>
            {t('shown.done')}
          </Button>
        }
      >
        {created && (
          <div className={styles.secret}>
            <Note tone="warn">{t('shown.once')}</Note>
            <CopyField value={created.key} label={t('shown.key')} />
            <CodeBlock
              label="curl"
              wraps
              code={`curl -H "Authorization: ApiKey ${created.key}" ${location.origin}/v1/collection/get-all`}
            />
          </div>
        )}
      </Dialog>
      {act && (
        <ConfirmByTyping
          title={t(`${act.kind}.title`, { name: act.key.name })}
          isOpen
          onClose={() => setAct(null)}
          word={act.key.name}
          action={t(`act.${act.kind}`)}
          isPending={isActing}
          error={actError}
          onConfirm={() => void finish()}
        >
          {t(`${act.kind}.text`)}
        </ConfirmByTyping>
      )}
    </Page>
  );
}
