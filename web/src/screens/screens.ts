/** Every screen: path, place in the navigation, and who sees it. */
import {
  Activity,
  CreditCard,
  FolderClosed,
  KeyRound,
  LayoutDashboard,
  type LucideIcon,
  ScanFace,
  ScrollText,
  Server,
  UserCog,
  Users,
} from 'lucide-react';
import { type ComponentType, lazy } from 'react';
import { connection } from '../api/connection.ts';
import type { Access } from '../api/session.ts';

export type ScreenName =
  | 'overview'
  | 'live'
  | 'people'
  | 'try-it'
  | 'collections'
  | 'api-keys'
  | 'members'
  | 'audit'
  | 'system'
  | 'billing';

export interface Screen {
  readonly name: ScreenName;
  /** The screen gets this path and every path below it. */
  readonly path: string;
  readonly icon: LucideIcon;
  readonly group: 'recognition' | 'setup' | 'administration';
  readonly access: Access;
  readonly component: ComponentType;
  /** Loads the screen before it shows. */
  readonly preload: () => void;
}

/** React keeps a failed import, so the error's page loads itself again. */
function reported(load: Load): Load {
  return () =>
    load().catch((cause) => {
      connection.retry();
      throw cause;
    });
}

type Load = () => Promise<{ readonly default: ComponentType }>;

function screen(
  name: ScreenName,
  icon: LucideIcon,
  group: Screen['group'],
  load: Load,
  access: Access = {},
  path = `/${name}`,
): Screen {
  return {
    name,
    path,
    icon,
    group,
    access,
    component: lazy(reported(load)),
    preload: () => void load().catch(() => {}),
  };
}

export const SCREENS: readonly Screen[] = [
  screen('overview', LayoutDashboard, 'recognition', () => import('./overview/index.tsx'), {}, '/'),
  screen('live', Activity, 'recognition', () => import('./live/index.tsx')),
  screen('people', Users, 'recognition', () => import('./people/index.tsx')),
  screen('try-it', ScanFace, 'recognition', () => import('./try-it/index.tsx')),
  screen('collections', FolderClosed, 'setup', () => import('./collections/index.tsx')),
  screen('api-keys', KeyRound, 'setup', () => import('./api-keys/index.tsx')),
  screen('members', UserCog, 'administration', () => import('./members/index.tsx'), { role: 'admin' }),
  screen('audit', ScrollText, 'administration', () => import('./audit/index.tsx'), { role: 'admin' }),
  screen('billing', CreditCard, 'administration', () => import('./billing/index.tsx'), { role: 'admin' }),
  screen('system', Server, 'administration', () => import('./system/index.tsx'), {
    role: 'admin',
    isBox: true,
  }),
];

export function screenAt(path: string): Screen | undefined {
  return SCREENS.find(
    (each) => path === each.path || (each.path !== '/' && path.startsWith(`${each.path}/`)),
  );
}
