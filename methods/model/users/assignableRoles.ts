/** Which roles a user may have. */
import { clientError } from '../../../shared/errors.js';
import type { Store } from '../../../shared/store.js';
import { doRolesExist, isRoleId } from '../permissions/roles.js';

/** Roles in one room. As a global role, each would count in every room. */
const ROOM_ROLES = new Set(['owner', 'moderator', 'leader']);

const MAX_ROLES = 50;

/**
 * Refuses roles that do not exist or that a user cannot have globally, and an empty or too long list.
 * @param present roles of the user, which may be kept even if they no longer exist
 * @throws ClientError `error-action-not-allowed`
 */
export async function requireAssignableRoles(
	store: Store,
	roles: readonly string[],
	present: readonly string[] = [],
): Promise<void> {
	const invalidRole = () => clientError('invalidRole', { action: 'Assign_role' });
	const hasInvalidRole = roles.some((role) => ROOM_ROLES.has(role) || !isRoleId(role));
	if (hasInvalidRole || roles.length === 0 || roles.length > MAX_ROLES) throw invalidRole();
	const added = roles.filter((role) => !present.includes(role));
	if (!(await doRolesExist(store, added))) throw invalidRole();
}
