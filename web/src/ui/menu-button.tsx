/** A button whose menu loads when the reader reaches for it: for the frame, which shows before anything else. */
import { type ComponentType, Suspense, useRef, useState } from 'react';
import { Button, type ButtonProps } from './button.tsx';

export interface OpenMenu {
  readonly triggerRef: React.RefObject<HTMLButtonElement | null>;
  readonly isOpen: boolean;
  readonly onOpenChange: (isOpen: boolean) => void;
}

interface MenuButtonProps extends ButtonProps {
  readonly menu: ComponentType<{ readonly open: OpenMenu }>;
  readonly preload: () => void;
}

export function MenuButton({ menu: Menu, preload, ...props }: MenuButtonProps) {
  const triggerRef = useRef<HTMLButtonElement>(null);
  const [state, setState] = useState<'unused' | 'open' | 'closed'>('unused');
  const isOpen = state === 'open';
  const open = { triggerRef, isOpen, onOpenChange: (next: boolean) => setState(next ? 'open' : 'closed') };
  return (
    <>
      <Button
        {...props}
        ref={triggerRef}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        onHoverStart={preload}
        onFocus={preload}
        onPress={() => setState(isOpen ? 'closed' : 'open')}
        onKeyDown={({ key }) => (key === 'ArrowDown' || key === 'ArrowUp') && setState('open')}
      />
      {state !== 'unused' && (
        <Suspense>
          <Menu open={open} />
        </Suspense>
      )}
    </>
  );
}
