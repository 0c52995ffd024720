/** Checks of permissions, for applications. */
import { hasPermissionById } from '../methods/model/permissions/permissions.js';
import type { MethodContext } from '../shared/context.js';

export { requirePermission } from '../methods/model/permissions/permissions.js';

/** Whether one of the caller's global roles, in `roles` of the user document, has a permission. */
export function hasPermission(
	{ store, userId }: Pick<MethodContext, 'store' | 'userId'>,
	permission: string,
): Promise<boolean> {
	return hasPermissionById(store, userId, permission);
}
