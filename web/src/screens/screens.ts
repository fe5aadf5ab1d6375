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
import { loadStrings } from '../i18n/index.ts';

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
  readonly path: string;
  readonly icon: LucideIcon;
  readonly group: 'recognition' | 'setup' | 'administration';
  readonly access: Access;
  readonly component: ComponentType;
  readonly preload: () => Promise<unknown>;
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

interface Options {
  readonly access?: Access;
  readonly path?: string;
  readonly strings?: readonly string[];
}

function screen(
  name: ScreenName,
  icon: LucideIcon,
  group: Screen['group'],
  load: Load,
  { access = {}, path = `/${name}`, strings = [] }: Options = {},
): Screen {
  // The strings load beside the code: a screen that waits for them would show twice.
  const whole: Load = async () => (await Promise.all([load(), loadStrings([name, ...strings])]))[0];
  return {
    name,
    path,
    icon,
    group,
    access,
    component: lazy(reported(whole)),
    preload: () => whole().catch(() => {}),
  };
}

const ADMIN: Access = { role: 'admin' };

export const SCREENS: readonly Screen[] = [
  screen('overview', LayoutDashboard, 'recognition', () => import('./overview/index.tsx'), {
    path: '/',
    strings: ['live'],
  }),
  screen('live', Activity, 'recognition', () => import('./live/index.tsx'), { strings: ['photos'] }),
  screen('people', Users, 'recognition', () => import('./people/index.tsx'), { strings: ['photos'] }),
  screen('try-it', ScanFace, 'recognition', () => import('./try-it/index.tsx'), { strings: ['photos'] }),
  screen('collections', FolderClosed, 'setup', () => import('./collections/index.tsx')),
  screen('api-keys', KeyRound, 'setup', () => import('./api-keys/index.tsx')),
  screen('members', UserCog, 'administration', () => import('./members/index.tsx'), { access: ADMIN }),
  screen('audit', ScrollText, 'administration', () => import('./audit/index.tsx'), { access: ADMIN }),
  screen('billing', CreditCard, 'administration', () => import('./billing/index.tsx'), { access: ADMIN }),
  screen('system', Server, 'administration', () => import('./system/index.tsx'), {
    access: { role: 'admin', isBox: true },
    strings: ['overview'],
  }),
];

export function screenAt(path: string): Screen | undefined {
  return SCREENS.find(
    (each) => path === each.path || (each.path !== '/' && path.startsWith(`${each.path}/`)),
  );
}
