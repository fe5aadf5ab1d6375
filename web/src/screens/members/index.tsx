import { MoreHorizontal, RotateCw, Trash2, UserCog, UserPlus } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMe } from '../../api/session.ts';
import { useFormat } from '../../i18n/format.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { Menu, MenuAction, MenuLine } from '../../ui/menu.tsx';
import { Page } from '../../ui/page.tsx';
import { EmptyState, ErrorState, SkeletonList, useErrorText } from '../../ui/states.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { toast } from '../../ui/toast.tsx';
import { InvitationDialog, InviteDialog, RemoveDialog, RoleDialog } from './member-dialogs.tsx';
import styles from './members.module.css';
import { canChange, type Invitation, invite, type Member, useMembers } from './members-data.ts';

type Open =
  | { readonly kind: 'invite' }
  | { readonly kind: 'invitation'; readonly invitation: Invitation }
  | { readonly kind: 'role' | 'remove'; readonly member: Member };

export default function Members() {
  const { t } = useTranslation(['members', 'common']);
  const format = useFormat();
  const me = useMe();
  const textOf = useErrorText();
  const { data, error, isPending, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useMembers();
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => setOpen(null);
  const members = data?.pages.flatMap((page) => page.members) ?? [];
  const showInvitation = (invitation: Invitation) => setOpen({ kind: 'invitation', invitation });
  const inviteAgain = ({ email, role }: Member) =>
    void invite(email, role).then(showInvitation, (cause) => toast.failed(textOf(cause)));

  const columns: Column<Member>[] = [
    {
      id: 'name',
      title: t('field.member'),
      cell: ({ id, name, email, status }) => (
        <div className={styles.name}>
          <span className={styles.person}>{name ?? email}</span>
          {name !== null && <span className={styles.email}>{email}</span>}
          <span className={styles.badges}>
            {id === me.user_id && <Badge tone="accent">{t('state.you')}</Badge>}
            {status === 'invited' && <Badge tone="warn">{t('state.invited')}</Badge>}
          </span>
        </div>
      ),
    },
    { id: 'role', title: t('field.role'), cell: ({ role }) => t(`common:account.role.${role}`) },
    {
      id: 'since',
      title: t('field.since'),
      isMinor: true,
      cell: ({ created_at }) => (
        <time dateTime={created_at} title={format.exactTime(created_at)}>
          {format.ago(created_at)}
        </time>
      ),
    },
    {
      id: 'actions',
      title: <span className={styles.hidden}>{t('actions')}</span>,
      isRight: true,
      width: '3rem',
      cell(member) {
        if (!canChange(me, member)) return null;
        const isInvited = member.status === 'invited';
        const label = t('actionsOf', { name: member.name ?? member.email });
        return (
          <Menu label={label} trigger={<IconButton icon={MoreHorizontal} label={label} size="sm" />}>
            <MenuAction
              icon={UserCog}
              label={t('act.changeRole')}
              onAction={() => setOpen({ kind: 'role', member })}
            />
            {isInvited && (
              <MenuAction
                icon={RotateCw}
                label={t('act.inviteAgain')}
                hint={t('act.inviteAgainHint')}
                onAction={() => inviteAgain(member)}
              />
            )}
            <MenuLine />
            <MenuAction
              icon={Trash2}
              label={t(isInvited ? 'act.revoke' : 'act.remove')}
              isDanger
              onAction={() => setOpen({ kind: 'remove', member })}
            />
          </Menu>
        );
      },
    },
  ];
  const inviteButton = (
    <Button variant="primary" icon={UserPlus} onPress={() => setOpen({ kind: 'invite' })}>
      {t('invite.open')}
    </Button>
  );
  return (
    <Page title={t('title')} hint={t('hint')} actions={inviteButton}>
      {error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : isPending ? (
        <SkeletonList />
      ) : (
        <Card hasPadding={false}>
          <Table label={t('title')} columns={columns} rows={members} keyOf={({ id }) => id} />
        </Card>
      )}
      {hasNextPage && (
        <Button isPending={isFetchingNextPage} onPress={() => void fetchNextPage()}>
          {t('common:action.more')}
        </Button>
      )}
      {data && members.length === 1 && (
        <EmptyState title={t('empty.title')} icon={<UserPlus aria-hidden />}>
          {t('empty.text')}
        </EmptyState>
      )}
      {open?.kind === 'invite' && <InviteDialog onClose={close} onInvited={showInvitation} />}
      {open?.kind === 'invitation' && <InvitationDialog invitation={open.invitation} onClose={close} />}
      {open?.kind === 'role' && <RoleDialog member={open.member} onClose={close} />}
      {open?.kind === 'remove' && <RemoveDialog member={open.member} onClose={close} />}
    </Page>
  );
}
