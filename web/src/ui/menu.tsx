import { Check, type LucideIcon } from 'lucide-react';
import type { CSSProperties, ReactElement, ReactNode } from 'react';
import {
  Menu as AriaMenu,
  Header,
  MenuItem,
  MenuSection,
  MenuTrigger,
  Popover,
  Separator,
} from 'react-aria-components';
import { cx } from './cx.ts';
import styles from './menu.module.css';
import type { OpenMenu } from './menu-button.tsx';

interface MenuProps {
  readonly label: string;
  readonly trigger: ReactElement;
  readonly placement?: 'bottom start' | 'bottom end' | 'top start' | 'top end' | 'right bottom';
  readonly children: ReactNode;
}

export function Menu({ label, trigger, placement = 'bottom end', children }: MenuProps) {
  return (
    <MenuTrigger>
      {trigger}
      <Popover className={styles.popover} placement={placement} offset={6}>
        <AriaMenu aria-label={label} className={styles.list}>
          {children}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  );
}

interface MenuPopoverProps extends Omit<MenuProps, 'trigger'> {
  readonly open: OpenMenu;
}

export function MenuPopover({ label, open, placement = 'bottom end', children }: MenuPopoverProps) {
  return (
    <Popover
      {...open}
      className={styles.popover}
      style={{ '--trigger-width': `${open.triggerRef.current?.offsetWidth ?? 0}px` } as CSSProperties}
      placement={placement}
      offset={6}
    >
      <AriaMenu aria-label={label} autoFocus onClose={() => open.onOpenChange(false)} className={styles.list}>
        {children}
      </AriaMenu>
    </Popover>
  );
}

interface MenuActionProps {
  readonly icon?: LucideIcon;
  readonly label: string;
  readonly hint?: string;
  readonly onAction?: () => void;
  readonly href?: string;
  readonly isDanger?: boolean;
  readonly isDisabled?: boolean;
  readonly isChosen?: boolean;
}

export function MenuAction({ icon: Icon, label, hint, isDanger, isChosen, ...props }: MenuActionProps) {
  return (
    <MenuItem {...props} textValue={label} className={cx(styles.item, isDanger && styles.danger)}>
      {Icon && <Icon aria-hidden size={15} strokeWidth={1.9} />}
      <span className={styles.itemText}>
        {label}
        {hint && <span className={styles.itemHint}>{hint}</span>}
      </span>
      {isChosen && <Check aria-hidden size={15} />}
    </MenuItem>
  );
}

export function MenuGroup({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <MenuSection>
      <Header className={styles.header}>{title}</Header>
      {children}
    </MenuSection>
  );
}

export function MenuLine() {
  return <Separator className={styles.separator} />;
}
