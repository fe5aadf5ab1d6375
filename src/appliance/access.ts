export const APPLIANCE_ADMIN = { by: 'member', role: 'admin', appliance: true } as const;

export const APPLIANCE_TAGS = ['Appliance'];
