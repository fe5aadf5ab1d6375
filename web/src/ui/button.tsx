import type { LucideIcon } from 'lucide-react';
import type { ReactNode, Ref } from 'react';
import {
  Button as AriaButton,
  type ButtonProps as AriaButtonProps,
  Link,
  type LinkProps,
} from 'react-aria-components';
import styles from './button.module.css';
import { cx } from './cx.ts';
import { Tooltip } from './tooltip.tsx';

interface Look {
  readonly variant?: 'primary' | 'secondary' | 'ghost' | 'danger';
  readonly size?: 'md' | 'sm';
  readonly icon?: LucideIcon;
  readonly className?: string;
  readonly children?: ReactNode;
}

export type ButtonProps = Look &
  Omit<AriaButtonProps, keyof Look> & { readonly ref?: Ref<HTMLButtonElement> };

const classes = ({ variant = 'secondary', size = 'md', className }: Look) =>
  cx(styles.button, styles[variant], styles[size], className);

export function Button({ variant, size, icon: Icon, className, children, ...props }: ButtonProps) {
  return (
    <AriaButton {...props} className={classes({ variant, size, className })}>
      {Icon && <Icon aria-hidden size={size === 'sm' ? 14 : 16} strokeWidth={1.9} />}
      {children}
      {props.isPending && <span className={styles.spinner} aria-hidden />}
    </AriaButton>
  );
}

export function ButtonLink({
  variant,
  size,
  icon: Icon,
  className,
  children,
  ...props
}: Look & Omit<LinkProps, keyof Look>) {
  return (
    <Link {...props} className={classes({ variant, size, className })}>
      {Icon && <Icon aria-hidden size={size === 'sm' ? 14 : 16} strokeWidth={1.9} />}
      {children}
    </Link>
  );
}

export interface IconButtonProps extends Omit<AriaButtonProps, 'className' | 'children'> {
  readonly icon: LucideIcon;
  readonly label: string;
  readonly variant?: Look['variant'];
  readonly size?: Look['size'];
  readonly className?: string;
}

export function IconButton({
  icon: Icon,
  label,
  variant = 'ghost',
  size,
  className,
  ...props
}: IconButtonProps) {
  return (
    <Tooltip text={label}>
      <AriaButton
        {...props}
        aria-label={label}
        className={cx(classes({ variant, size, className }), styles.square)}
      >
        <Icon aria-hidden size={size === 'sm' ? 15 : 17} strokeWidth={1.9} />
      </AriaButton>
    </Tooltip>
  );
}
