import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Role, useMe } from '../../api/session.ts';
import { useFormat } from '../../i18n/format.ts';
import { Button } from '../../ui/button.tsx';
import { CopyField } from '../../ui/copy.tsx';
import { ConfirmByTyping, Dialog, FormDialog } from '../../ui/dialog.tsx';
import { TextField } from '../../ui/field.tsx';
import { Select } from '../../ui/select.tsx';
import { Note } from '../../ui/states.tsx';
import { toast } from '../../ui/toast.tsx';
import styles from './members.module.css';
import {
  changeRole,
  type Invitation,
  invite,
  linkOf,
  type Member,
  remove,
  rolesFor,
} from './members-data.ts';

interface RoleFieldProps {
  readonly value: Role;
  readonly onChange: (role: Role) => void;
}

function RoleField({ value, onChange }: RoleFieldProps) {
  const { t } = useTranslation(['members', 'common']);
  const me = useMe();
  const options = rolesFor(me).map((role) => ({
    value: role,
    label: t(`common:account.role.${role}`),
    hint: t(`role.${role}`),
  }));
  return (
    <Select
      label={t('field.role')}
      options={options}
      value={value}
      onChange={onChange}
      hint={t(`role.${value}`)}
    />
  );
}

interface InviteDialogProps {
  readonly onClose: () => void;
  readonly onInvited: (invitation: Invitation) => void;
}

export function InviteDialog({ onClose, onInvited }: InviteDialogProps) {
  const { t } = useTranslation(['members', 'common']);
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<Role>('member');
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => invite(email.trim(), role),
    onSuccess: onInvited,
  });
  return (
    <FormDialog
      title={t('invite.title')}
      isOpen
      onClose={onClose}
      size="sm"
      action={t('invite.action')}
      isDisabled={email.trim() === ''}
      isPending={isPending}
      error={error}
      onSubmit={mutate}
    >
      <TextField
        label={t('common:login.email')}
        hint={t('invite.emailHint')}
        type="email"
        autoComplete="off"
        value={email}
        onChange={setEmail}
        maxLength={254}
        isRequired
        autoFocus
      />
      <RoleField value={role} onChange={setRole} />
    </FormDialog>
  );
}

interface InvitationDialogProps {
  readonly invitation: Invitation;
  readonly onClose: () => void;
}

export function InvitationDialog({ invitation, onClose }: InvitationDialogProps) {
  const { t } = useTranslation('members');
  const format = useFormat();
  return (
    <Dialog
      title={t('shown.title')}
      isOpen
      onClose={onClose}
      isDismissable={false}
      footer={
        <Button variant="primary" onPress={onClose}>
          {t('shown.done')}
        </Button>
      }
    >
      <div className={styles.secret}>
        <Note tone="warn">
          {t('shown.once', {
            email: invitation.email,
            time: format.dateTime(invitation.expires_at),
          })}
        </Note>
        <CopyField value={linkOf(invitation)} label={t('shown.link')} />
        <p>{t('shown.text')}</p>
      </div>
    </Dialog>
  );
}

interface MemberDialogProps {
  readonly member: Member;
  readonly onClose: () => void;
}

const nameOf = ({ name, email }: Member) => name ?? email;

export function RoleDialog({ member, onClose }: MemberDialogProps) {
  const { t } = useTranslation(['members', 'common']);
  const [role, setRole] = useState(member.role);
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => changeRole(member.id, role),
    onSuccess() {
      toast.done(t('done.role', { name: nameOf(member), role: t(`common:account.role.${role}`) }));
      onClose();
    },
  });
  return (
    <FormDialog
      title={t('changeRole.title', { name: nameOf(member) })}
      isOpen
      onClose={onClose}
      size="sm"
      action={t('common:action.save')}
      isDisabled={role === member.role}
      isPending={isPending}
      error={error}
      onSubmit={mutate}
    >
      <RoleField value={role} onChange={setRole} />
      <p>{t('changeRole.text')}</p>
    </FormDialog>
  );
}

export function RemoveDialog({ member, onClose }: MemberDialogProps) {
  const { t } = useTranslation('members');
  const isInvited = member.status === 'invited';
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => remove(member.id),
    onSuccess() {
      toast.done(t(isInvited ? 'done.revoked' : 'done.removed', { name: nameOf(member) }));
      onClose();
    },
  });
  return (
    <ConfirmByTyping
      title={t(isInvited ? 'revoke.title' : 'remove.title', { name: nameOf(member) })}
      isOpen
      onClose={onClose}
      word={member.email}
      action={t(isInvited ? 'act.revoke' : 'act.remove')}
      isPending={isPending}
      error={error}
      onConfirm={mutate}
    >
      {t(isInvited ? 'revoke.text' : 'remove.text')}
    </ConfirmByTyping>
  );
}
