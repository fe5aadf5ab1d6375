import type { Route } from '../api/route.ts';
import { type BackupParts, backupRoutes } from './backup-routes.ts';
import { type DiagnosisRouteParts, diagnosisRoute } from './diagnosis-route.ts';
import { type SettingsInUse, settingsRoute } from './settings-routes.ts';
import { type SystemParts, systemRoutes } from './system-routes.ts';

export interface ApplianceParts extends SystemParts, BackupParts, DiagnosisRouteParts {
  readonly settings: () => SettingsInUse;
}

export function applianceRoutes(parts: { readonly appliance: ApplianceParts }): Route[] {
  const current = () => parts.appliance;
  return [
    settingsRoute(() => parts.appliance.settings()),
    ...systemRoutes(current),
    ...backupRoutes(current),
    diagnosisRoute(current),
  ];
}
