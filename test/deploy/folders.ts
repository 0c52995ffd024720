/** Makes nginx and Caddy write all their files into a folder of the test. */

/** Directives of nginx for its temporary files. */
export function nginxTempPaths(folder: string): string {
	const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
	return kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ');
}

/** The environment of Caddy. */
export function caddyEnv(folder: string): Record<string, string> {
	return { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
}
