import type { FromSchema } from '../base/schema-type.ts';
import type { Setting } from './setting.ts';
import { SETTING_GROUPS } from './settings-table.ts';

type Group = (typeof SETTING_GROUPS)[keyof typeof SETTING_GROUPS];
type NameIn<G> = G extends unknown ? keyof G : never;
export type SettingName = NameIn<Group>;
type Entry<Name extends SettingName> = Extract<Group, Readonly<Record<Name, unknown>>>[Name];

export type SettingValues = {
  readonly [Name in SettingName]: Entry<Name> extends { readonly schema: infer S; readonly default: infer D }
    ? FromSchema<S> | (D extends null ? null : never)
    : never;
};

export const SETTINGS = Object.assign({}, ...Object.values(SETTING_GROUPS)) as Readonly<
  Record<SettingName, Setting>
>;

export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

export const LIVE_SETTINGS: ReadonlySet<SettingName> = new Set(
  SETTING_NAMES.filter((name) => SETTINGS[name].reload),
);

export function environmentName(setting: SettingName): string {
  return `VISAGE_${setting.toUpperCase()}`;
}
