import { type Route, route } from '../api/route.ts';
import { object, titled } from '../api/schema.ts';
import type { SettingSources } from '../config/load.ts';
import {
  LIVE_SETTINGS,
  SETTING_NAMES,
  SETTINGS,
  type SettingName,
  type SettingValues,
} from '../config/settings.ts';
import { APPLIANCE_ADMIN, APPLIANCE_TAGS } from './access.ts';

export interface SettingsInUse {
  readonly values: SettingValues;
  readonly sources: SettingSources;
  readonly defaults: SettingValues;
}

const SETTING = titled(
  'Setting',
  object({
    name: { type: 'string', examples: ['max_connections'] },
    value: { description: 'The value in effect. Places of private keys show as `(set)`, or null.' },
    default: { description: 'The value without the settings file and without variables.' },
    source: { type: 'string', enum: ['default', 'file', 'environment'] },
    description: { type: 'string', examples: ['Log entries of this level and above.'] },
    needsRestart: { type: 'boolean', description: 'Whether a change applies only after a restart.' },
  }),
);

/** Hides values that only the machine's operator should know. */
function shownValue(name: SettingName, value: unknown): unknown {
  if (!SETTINGS[name].isSecret) return value;
  return value === null ? null : '(set)';
}

export function settingsRoute(inUse: () => SettingsInUse): Route {
  return route({
    method: 'GET',
    path: '/v1/settings',
    operationId: 'getSettings',
    summary: 'List the settings in effect',
    description:
      'Change settings in the settings file of the machine, then reload or restart the service. For admins of the ' +
      'first account.',
    tags: APPLIANCE_TAGS,
    access: APPLIANCE_ADMIN,
    responses: {
      200: {
        description: 'The settings, without secrets.',
        schema: object({ settings: { type: 'array', items: SETTING } }),
      },
    },
    errors: [],
    handler: () => {
      const { values, sources, defaults } = inUse();
      const settings = SETTING_NAMES.map((name) => ({
        name,
        value: shownValue(name, values[name]),
        default: shownValue(name, defaults[name]),
        source: sources[name],
        description: SETTINGS[name].about,
        needsRestart: !LIVE_SETTINGS.has(name),
      }));
      return { status: 200, body: { settings } };
    },
  });
}
