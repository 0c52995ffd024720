/** The check, made in every test run, that no log contains a secret. */
import { expect } from 'chai';
import { leakedSecrets, notedLog, noteSecret, noteSecretsIn } from '../support/secrets.js';

describe('the check for secrets in logs', () => {
	it('finds a secret in the facts, the text and the error of a line', () => {
		expect(leakedSecrets()).to.deep.equal([]);
		// Reversed, so that the first characters differ. Only these are searched for.
		const [inFacts, inText, inError] = ['1', '2', '3'].map((n) =>
			`a secret for the check ${n}`.split('').reverse().join(''),
		);
		for (const secret of [inFacts, inText, inError]) noteSecret(secret as string);
		notedLog.info({ fact: { deep: [inFacts] } }, 'Audit');
		notedLog.debug({}, `Text ${inText}`);
		notedLog.error({ err: new Error(`Message ${inError}`) }, 'Exception');
		expect(leakedSecrets()).to.have.length(3);
		// Each call searches only the lines since the previous call.
		expect(leakedSecrets()).to.deep.equal([]);
	});

	it('finds what was sent as a password, a token or a key', () => {
		noteSecretsIn('{"msg":"method","params":[{"password":"sent-as-a-password"},{"resume":"sent-as-a-token"}]}');
		noteSecretsIn('{"msg":"method","params":[{"E2EKey":"sent-as-a-key"}]}');
		for (const user of ['sent-as-a-password', 'sent-as-a-token', 'sent-as-a-key']) notedLog.info({ user }, 'Audit');
		expect(leakedSecrets()).to.have.length(3);
	});

	it('finds nothing in a line without secrets', () => {
		notedLog.info({ method: 'login', outcome: 'ok' }, 'Audit');
		expect(leakedSecrets()).to.deep.equal([]);
	});
});
